"""The walks of the LIC, DOC, OVS and OPS rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sekisho.cli.demo.acts import ASSESSMENT
from tests.remedies.walk import ADMIN, Case, Scene

SYSTEM: Final = "system/docs"
TAGGED: Final = "---\nlicense: CC-BY-NC-4.0\n---\n# A page from elsewhere\n\nIt was copied.\n"
ALLOWED: Final = ("---\nlicense: CC-BY-NC-4.0\n", "---\nlicense: CC-BY-4.0\n")
CONFIRMED: Final = "The publisher says so on its page.\n\nSPDX-License-Identifier: Apache-2.0\n"
COST: Final = ", max_cost_micros: 1000"
LOG: Final = "    logging: {retention_days: 365}\n"
LIMITS: Final = "    limits: {max_steps: 1"
TOOL: Final = '    tools: [{name: purge, schema: {type: object}, effect: destructive, scopes: ["index:write"]}]\n'
ASKING: Final = "effect: destructive, human_approval: true"
NOTICE: Final = (
    "    ai_notice: The page says above its question box that an AI system answers, and names the handbook as its only"
    " source.\n"
)
MARKING: Final = "    output_marking: {methods: [label, metadata]}"
STRANGER: Final = "Dora <dora@example.org>"


async def page_of_another_licence(scene: Scene) -> None:
    """A page says in its front matter that nobody may sell what is made of it."""
    (scene.project / "handbook/en/16-copied.md").write_text(TAGGED, "utf-8")
    await scene.done("apply")


async def page_replaced(scene: Scene) -> None:
    scene.edit({ALLOWED[0]: ALLOWED[1]}, file="handbook/en/16-copied.md")


async def page_whose_licence_nobody_can_read(scene: Scene) -> None:
    (scene.project / "handbook/en/16-copied.md").write_text(TAGGED.replace("CC-BY-NC-4.0", "ask us"), "utf-8")
    await scene.done("apply")


async def somebody_found_out(scene: Scene) -> None:
    """The document that the remedy's command names."""
    (scene.project / "licence.md").write_text(CONFIRMED, "utf-8")


async def corpus_nobody_scanned(scene: Scene) -> None:
    """Registered by REST alone, where `apply` has the licences scanned."""
    manifest = (await scene.done("show", "corpus/handbook@latest"))["manifest"]
    manifest["files"] = manifest["files"][1:]
    (scene.project / "corpus.yaml").write_text(str(manifest), "utf-8")
    await scene.done("register", "corpus/handbook", "corpus.yaml", "--author", "Alice <alice@example.org>")


async def model_that_nobody_bears_out(scene: Scene) -> None:
    """A model of a host that is away: only its manifest says what its licence is."""
    digest = "sha256:" + "0" * 64
    manifest = {
        "schema": "sekisho.model/v1", "name": "gone:1b", "digest": digest, "family": "gone",
        "licence": "Apache-2.0", "provider": "ollama",
    }  # fmt: skip
    (scene.project / "model.yaml").write_text(str(manifest), "utf-8")
    await scene.done("register", "model/gone", "model.yaml", "--author", "Alice <alice@example.org>")
    await scene.done("licence", "scan", "model/gone@latest")


async def another_purpose(scene: Scene) -> None:
    """The system is another version: neither card nor assessment is about it."""
    scene.edit({"from the handbook alone": "from the handbook and nothing else"})
    await scene.done("apply")


async def assessment_expired(scene: Scene) -> None:
    await scene.done("attest", "system/docs@latest", *ASSESSMENT[:-1], "1")
    scene.clock.ahead += timedelta(days=2)


async def assessment_withdrawn(scene: Scene) -> None:
    (document,) = await scene.done("attested", "list", "system/docs@latest")
    await scene.done("attested", "withdraw", document["id"], by=ADMIN)


async def prohibited(scene: Scene) -> None:
    scene.edit({"risk_class: limited": "risk_class: prohibited"})
    await scene.done("apply")


async def of_limited_risk(scene: Scene) -> None:
    scene.edit({"risk_class: prohibited": "risk_class: limited"})


async def without_notice(scene: Scene) -> None:
    scene.edit({NOTICE: ""})
    await scene.done("apply")


async def with_notice(scene: Scene) -> None:
    scene.edit({MARKING: NOTICE + MARKING})


async def marked_for_people_alone(scene: Scene) -> None:
    scene.edit({"methods: [label, metadata]": "methods: [label]"})
    await scene.done("apply")


async def marked_for_machines(scene: Scene) -> None:
    scene.edit({"methods: [label]": "methods: [label, metadata]"})


async def approval_grown_stale(scene: Scene) -> None:
    scene.clock.ahead += timedelta(days=8)


async def author_whom_nobody_knows(scene: Scene) -> None:
    """A service registers what somebody wrote who is no principal here."""
    scene.edit({"from the handbook alone": "from the handbook and nothing else"})
    await scene.done("apply", "--author", STRANGER)


async def no_author_at_all(scene: Scene) -> None:
    scene.edit({"from the handbook alone": "from the handbook and nothing else"})
    await scene.done("apply", "--author", "")


async def without_a_limit_on_cost(scene: Scene) -> None:
    scene.edit({COST: ""})
    await scene.done("apply")


async def with_a_limit_on_cost(scene: Scene) -> None:
    scene.edit({"timeout_ms: 120000": f"timeout_ms: 120000{COST}"})


async def destructive_tool(scene: Scene) -> None:
    scene.edit({LIMITS: TOOL + LIMITS})
    await scene.done("apply")


async def tool_taken_out(scene: Scene) -> None:
    scene.edit({TOOL: ""})


async def tool_asks_a_person(scene: Scene) -> None:
    scene.edit({"effect: destructive": ASKING})


async def log_thrown_away_after_a_month(scene: Scene) -> None:
    scene.edit({"retention_days: 365": "retention_days: 30"})
    await scene.done("apply")


async def log_kept_for_a_year(scene: Scene) -> None:
    scene.edit({"retention_days: 30": "retention_days: 365"})


CASES: Final = [
    Case(("LIC-01",), page_of_another_licence, page_replaced, stage="staging", subject="corpus/handbook"),
    Case(("LIC-01",), page_whose_licence_nobody_can_read, somebody_found_out, "staging", "corpus/handbook"),
    Case(("LIC-01",), corpus_nobody_scanned, stage="staging", subject="corpus/handbook@latest"),
    Case(("LIC-02",), model_that_nobody_bears_out, somebody_found_out, subject="model/gone@latest"),
    Case(("DOC-01", "DOC-03"), another_purpose, subject=SYSTEM),
    Case(("DOC-02",), prohibited, of_limited_risk, subject=SYSTEM),
    Case(("DOC-03",), assessment_expired),
    Case(("DOC-03",), assessment_withdrawn),
    Case(("DOC-04",), without_notice, with_notice, subject=SYSTEM),
    Case(("DOC-05",), marked_for_people_alone, marked_for_machines, subject=SYSTEM),
    Case(("OVS-01",), approval_grown_stale),
    Case(("OVS-02",), author_whom_nobody_knows, subject=SYSTEM, fills={"NAME": "dora", "E-MAIL": "dora@example.org"}),
    Case(("OVS-02",), no_author_at_all, subject=SYSTEM, fills={"NAME <E-MAIL>": "Alice <alice@example.org>"}),
    Case(("OPS-01",), without_a_limit_on_cost, with_a_limit_on_cost),
    Case(("OPS-02", "OPS-03"), destructive_tool, tool_taken_out),
    Case(("OPS-04",), destructive_tool, tool_asks_a_person),
    Case(("OPS-05",), log_thrown_away_after_a_month, log_kept_for_a_year),
]
UNREACHABLE: Final[dict[str, str]] = {}
"""Every rule of these families is brought about by one change of the demo."""
