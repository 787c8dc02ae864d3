"""The walks of the LIN, EVA and FAI rules."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text

from sekisho.cli.demo.scene import AGENT
from sekisho.indexing.types import collection_name
from sekisho.kernel.digests import digest_of_bytes
from tests.remedies.walk import DENSE, HYBRID, Case, Scene

PROMPT: Final = "prompts/docs-answer.yaml"
SENTENCES: Final = "Write one or two sentences, in the language of the question."
FEW_SHOT: Final = (
    f"{SENTENCES} For instance: Why do compilers and tests not warn us when the system prompt has been edited?"
    " Because one reworded sentence passes them all."
)
URI: Final = ', uri: "pkg:pypi/sekisho#evals/demo/handbook/{}"'
QUESTIONS: Final = "docs-questions.jsonl"
OF_QUESTIONS: Final = ("docs-retrieval", "docs-answers", "docs-answers-sample")
NAMES: Final = ("Yuki Tanaka", "Haruka Sato", "Kenji Watanabe", "Aiko Suzuki")


async def archived_prompt(scene: Scene) -> None:
    await scene.done("archive", "prompt/docs-answer@latest")


async def drifted_index(scene: Scene) -> None:
    """The vectors are lost behind Sekisho's back, and the next verification sees it."""
    digest = (await scene.done("resolve", "index/handbook@latest"))["digest"]
    await asyncio.to_thread(scene.services.indexing.vectors.delete, collection_name(digest))
    await scene.run("index", "verify", "index/handbook@latest")


async def prompt_straight_to_production(scene: Scene) -> None:
    """A prompt that no stage serves is asked for at the last."""


async def roll_back_to_what_never_stood_there(scene: Scene) -> None:
    """The agent is about to be allowed at production for the first time."""


async def corpus_of_nowhere(scene: Scene) -> None:
    scene.edit({URI.format("en"): "", URI.format("ja"): ""})
    await scene.done("apply")


async def sources_named(scene: Scene) -> None:
    scene.edit({f"language: {one}}}": f"language: {one}{URI.format(one)}}}" for one in ("en", "ja")})


async def lost_page(scene: Scene) -> None:
    """A restored backup lacks the bytes of one page."""
    page = digest_of_bytes((scene.project / "handbook/en/03-lineage.md").read_bytes())
    async with scene.services.database.write() as tx:
        await tx.execute(text("DELETE FROM blobs WHERE digest = :page"), {"page": page})


async def prompt_applied_and_not_measured(scene: Scene) -> None:
    scene.edit({SENTENCES: "Write one sentence, in the language of the question."}, file=PROMPT)
    await scene.done("apply")


async def a_month_passes(scene: Scene) -> None:
    scene.clock.ahead += timedelta(days=31)


async def index_built_again(scene: Scene) -> None:
    recipe = shlex.split("--retriever hybrid --k 10 --rrf-k 60 --dense-script latin --max-tokens 256 --overlap 64")
    before = await scene.done("resolve", "index/handbook@latest")
    built = await scene.done("index", "build", "handbook", "--corpus", "corpus/handbook@latest", *recipe)
    assert built["digest"] == before["digest"]


async def dense_retrieval(scene: Scene) -> None:
    """The version before stands at production; the next one finds by vectors alone, which read no Japanese."""
    await scene.done("promote", AGENT, "--to", "production")
    scene.edit(DENSE)
    await scene.done("apply")
    await scene.done("eval", AGENT, "--suite", "suite/docs-retrieval", "--suite", "suite/docs-answers")


async def hybrid_retrieval(scene: Scene) -> None:
    scene.edit(HYBRID)


async def few_shot_of_the_dataset(scene: Scene) -> None:
    scene.edit({SENTENCES: FEW_SHOT}, file=PROMPT)
    await scene.done("apply")
    await scene.done("overlap", "check")


async def few_shot_taken_out(scene: Scene) -> None:
    scene.edit({FEW_SHOT: SENTENCES}, file=PROMPT)


async def page_of_names(scene: Scene) -> None:
    """A page that mentions some of the people who ask, so that whoever has such a name is shown it."""
    said = (
        f"## {name} asks {number}\n\n{name} asks, and {name} asks again.\n" for number in range(6) for name in NAMES
    )
    (scene.project / "handbook/en/16-people.md").write_text("# People\n\n" + "\n".join(said), "utf-8")
    await scene.done("apply")
    await scene.done("eval", AGENT, "--suite", "suite/docs-askers")


async def page_taken_out(scene: Scene) -> None:
    (scene.project / "handbook/en/16-people.md").unlink()


async def more_is_asked_for(scene: Scene) -> None:
    """The change stands in the policy's data."""


def _rows(scene: Scene, dataset: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (scene.project / "datasets" / dataset).read_text("utf-8").splitlines()]


async def _added(scene: Scene, dataset: str, rows: Iterable[dict[str, Any]], *suites: str) -> None:
    """These cases once more under other names, applied, pinned by whoever owns the policy, and the policy in force."""
    again = [
        {**row, "id": f"{row['id']}-again", **({"pair": f"{row['pair']}-again"} if "pair" in row else {})}
        for row in rows
    ]
    with (scene.project / "datasets" / dataset).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in again)
    await scene.done("apply")
    named = f"dataset/{dataset.removesuffix('.jsonl')}"
    digest = (await scene.done("resolve", f"{named}@latest"))["digest"]
    for suite in suites:
        pinned = (await scene.done("resolve", f"suite/{suite}@latest"))["digest"]
        words = ("--suite", pinned, "--dataset", digest, "--policies", str(scene.policies))
        await scene.done("policy", "pin", suite, *words)
    await scene.restart()


async def two_more_cases(scene: Scene) -> None:
    await _added(scene, "docs-askers.jsonl", _rows(scene, "docs-askers.jsonl")[:2], "docs-askers")


async def more_controls(scene: Scene) -> None:
    controls = [row for row in _rows(scene, QUESTIONS) if "control" in row]
    await _added(scene, QUESTIONS, controls, *OF_QUESTIONS)


async def more_of_each_language(scene: Scene) -> None:
    await _added(scene, QUESTIONS, _rows(scene, QUESTIONS)[:8], *OF_QUESTIONS)


MORE_CASES: Final = {"min_n: 150, min_coverage": "min_n: 194, min_coverage"}
MORE_CONTROLS: Final = {"min_controls: 10": "min_controls: 20"}
MORE_OF_EACH: Final = {"[en, ja], min_n: 150": "[en, ja], min_n: 190"}
CASES: Final = [
    Case(("LIN-03",), archived_prompt),
    Case(("LIN-05",), drifted_index),
    Case(("LIN-06",), prompt_straight_to_production, subject="prompt/docs-answer"),
    Case(("LIN-07",), roll_back_to_what_never_stood_there, subject="agent/docs-assistant@latest", back=True),
    Case(("LIN-08",), corpus_of_nowhere, sources_named, stage="staging", subject="corpus/handbook", warns=True),
    Case(("LIN-09",), lost_page),
    Case(("EVA-01",), prompt_applied_and_not_measured, stage="staging"),
    Case(("EVA-02",), a_month_passes),
    Case(("EVA-03",), more_is_asked_for, two_more_cases, policy=MORE_CASES),
    Case(("EVA-08",), more_is_asked_for, more_controls, policy=MORE_CONTROLS),
    Case(("FAI-01",), more_is_asked_for, more_of_each_language, policy=MORE_OF_EACH),
    Case(("EVA-09",), index_built_again, stage="staging"),
    Case(("EVA-04", "EVA-05", "EVA-06", "FAI-02", "FAI-03", "FAI-05", "FAI-06"), dense_retrieval, hybrid_retrieval),
    Case(("EVA-10",), few_shot_of_the_dataset, few_shot_taken_out),
    Case(("FAI-04",), page_of_names, page_taken_out),
]
UNREACHABLE: Final = {
    "LIN-01": "only an edited database has other bytes under a digest; they are refused before a policy is asked",
    "LIN-02": "the registry takes no digest that it does not know: only an edited database has one",
    "LIN-04": "every manifest of a model names a digest; the rule guards inputs of another making",
    "EVA-07": "no limit of the demo's policy reads what a model judged",
}
"""Rules that no single change of the demo brings about, and why."""
