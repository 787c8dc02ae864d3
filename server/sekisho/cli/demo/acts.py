"""The acts of the demo: one change on its way to production, by the commands that a CI job and people would type.

Nothing is played back. Each act runs real commands, reads what came of them over REST, and holds it against the story;
where the data say something else, that is what is told.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.markup import escape

from sekisho.cli.demo.findings import Findings, Version
from sekisho.cli.demo.scene import AGENT, ALICE, BOB, Scene
from sekisho.cli.session import coloured
from sekisho.client.evaluation import Evaluation
from sekisho.kernel.digests import short
from sekisho.kernel.errors import Invalid

DENSE: Final = "retriever: {mode: dense, k: 10}"
HYBRID: Final = (
    "# The embedder reads no Japanese: there its vectors abstain, and shared characters decide alone.\n"
    "    retriever: {mode: hybrid, k: 10, rrf_k: 60, dense_scripts: [latin]}"
)
MEASURED: Final = ("docs-retrieval", "docs-askers", "docs-answers", "docs-answers-sample")
QUICK: Final = ("docs-retrieval", "docs-askers", "docs-answers-sample")
ASSESSMENT: Final = ("--type", "risk-assessment", "--file", "risk-assessment.md", "--days", "180")
_EMBEDS: Final = "bert"


@dataclass
class Play:
    """What the acts share."""

    scene: Scene
    findings: Findings

    def first_version(self) -> None:
        """Acts 1 to 3: apply, build, evaluate."""
        with self._act("1", "Apply: register what sekisho.yaml declares, build the index, write the lock"):
            code = self.scene.run("apply", "--message", "First version: dense retrieval")
            self._expect_code("apply registers, builds and writes the lock", code, 0)
        with self._act("2", "The index, looked at: every chunk by its hash, every vector by its bits"):
            index = self._pinned("index/handbook")
            self._expect_code("the built index verifies", self.scene.run("index", "verify", index), 0)
        with self._act("3", "Evaluate: retrieval and grounded answers, sliced by language and reader"):
            self._expect_code("every suite runs to its end", self.scene.run("eval"), 0)
            self._remember("dense", "builtin/extractive")

    def denied(self) -> None:
        """Act 4: staging lets it pass, production does not."""
        with self._act("4", "Promote: staging, then production"):
            self._promote("staging", allowed=True)
            decision = self._promote("production", allowed=False)
            blocking = decision["blocking"]
            for rule, said in (
                ("FAI-02", "the gap between languages is over its limit"),
                ("OVS-01", "no second person has approved"),
                ("DOC-01", "there is no card"),
                ("DOC-03", "nobody has assessed the risks"),
            ):
                held = "blocks" if rule in blocking else "does not block"
                self.findings.expect(f"production is denied: {said} ({rule})", f"{rule} {held}", holds=rule in blocking)
            self._show_worst()

    def mended(self) -> Path:
        """Act 5: another retriever, the same suites, a card, an assessment, a second person; then allowed."""
        attestation = self.scene.folder / "decision.attestation.json"
        with self._act("5", "Mend it as an engineer would"):
            before = self._runs()
            self._edit({DENSE: HYBRID})
            self._expect_code(
                "the new version is applied", self.scene.run("apply", "--message", "Hybrid retrieval for Japanese"), 0
            )
            self._expect_code("the same suites run again", self.scene.run("eval"), 0)
            self._remember("hybrid", "builtin/extractive")
            after = self._runs()
            self.scene.run("compare", before["docs-retrieval"]["id"], after["docs-retrieval"]["id"])
            self.scene.run("card", "add", self._pinned("system/docs"), "card.yaml", by=ALICE)
            code = self.scene.run("attest", self._pinned("system/docs"), *ASSESSMENT, by=BOB)
            self._expect_code("an approver attests the risk assessment", code, 0)
            self._promote("staging", allowed=True)
            code = self.scene.run("approve", AGENT, "--to", "production", by=BOB)
            self._expect_code("a second person approves", code, 0)
            decision = self._promote("production", allowed=True)
            self.scene.run("attestation", decision["id"], "--out", f"../{attestation.name}")
            self._resolves(decision)
        return attestation

    def another_model(self, wanted: str | None, *, hosts: bool) -> None:
        """Act 6: the same agent on a model of an Ollama host, where one answers."""
        model = self._local_model(wanted)
        if model is None:
            if hosts or wanted:
                self.findings.expect(
                    "a configured Ollama host has a model that answers", f"none has {wanted or 'one'}", holds=False
                )
            return
        with self._act("6", f"The same agent on {model['name']}, from an Ollama host"):
            self._edit(
                {
                    "\nmodel:\n": f"\nmodel:\n  local:\n    name: {model['name']}\n    provider: ollama\n"
                    f"    family: {model['family']}\n    licence: {_licence(model['name'])}\n",
                    "    model: extractive\n": "    model: local\n",
                }
            )
            code = self.scene.run("apply", "--message", f"Answers by {model['name']}")
            self._expect_code(f"the version on {model['name']} is applied", code, 0)
            suites = [word for suite in QUICK for word in ("--suite", f"suite/{suite}")]
            self.scene.run("eval", AGENT, *suites)
            version = self._remember("hybrid", model["name"])
            answer = self._ask("staging")
            made_up = version.metric("docs-answers-sample", "hallucinated")
            self.findings.expect(
                f"{model['name']} is judged by what it answers",
                f"{answer['outcome']} at staging, {made_up.get('mean_bp', 0) / 100:.1f} % made-up answers",
                holds=answer["outcome"] in {"allow", "deny"} and "mean_bp" in made_up,
            )

    def verify(self, attestation: Path, *, stopped: bool) -> None:
        """The proof, by the public key fetched before anything was decided, and by nothing else."""
        how = "the server is stopped" if stopped else "no server is asked; the address given has none"
        with self._act("7", f"Verify offline: {how}"):
            words = ("--key", f"../{self.scene.public_key.name}", "--subject", AGENT, "--stage", "production")
            code = self.scene.run("verify", f"../{attestation.name}", *words, by=None, offline=True)
            self._expect_code("the attestation verifies offline, and says allow", code, 0)

    def _promote(self, stage: str, *, allowed: bool) -> Mapping[str, Any]:
        decision = self._ask(stage)
        version = self.findings.versions[-1].label
        said = "allowed" if allowed else "denied"
        self.findings.expect(
            f"{version} is {said} at {stage}",
            f"{decision['outcome']}, exit code {decision['exit_code']}{_blocking(decision)}",
            holds=decision["outcome"] == ("allow" if allowed else "deny"),
        )
        return decision

    def _ask(self, stage: str) -> Mapping[str, Any]:
        """Ask for the locked version to be promoted; the decision that came of it."""
        code = self.scene.run("promote", AGENT, "--to", stage)
        decision = self.scene.decision(stage)
        if decision["digest"] != self.scene.lock.digest(AGENT) or decision["exit_code"] != code:
            raise Invalid(f"`sekisho promote` ended with exit code {code} and left no decision of its own")
        outcome = {"allow": "[green]allowed[/green]", "deny": f"[red]denied[/red]{_blocking(decision)}"}
        self.findings.versions[-1].answers[stage] = outcome.get(decision["outcome"], decision["outcome"])
        return decision

    def _resolves(self, decision: Mapping[str, Any]) -> None:
        self.scene.run("resolve", f"{AGENT}@production")
        client = self.scene.client()
        pointers = client.registry.stages(AGENT)["pointers"]
        client.close()
        served = next((pointer["digest"] for pointer in pointers if pointer["stage"] == "production"), None)
        self.findings.expect(
            "production serves the version that was allowed",
            f"{short(served)} stands there" if served else "nothing stands there",
            holds=served == decision["digest"],
        )

    def _remember(self, retrieval: str, model: str) -> Version:
        """Add the agent as it is locked now, with its measurements, to the versions that the summary shows."""
        client = self.scene.client()
        number = client.registry.version(f"{AGENT}@{self.scene.lock.digest(AGENT)}")["number"]
        client.close()
        version = Version(f"v{number}", retrieval, model, self._runs())
        self.findings.versions.append(version)
        return version

    def _runs(self) -> dict[str, dict[str, Any]]:
        """The newest run of the locked agent by each suite."""
        client = self.scene.client()
        page = Evaluation(client.connection, "default").runs(subject=self.scene.lock.digest(AGENT), limit=50)
        client.close()
        return {run["suite_name"]: run for run in reversed(page["items"]) if run["suite_name"] in MEASURED}

    def _show_worst(self) -> None:
        """The questions that show the gap best, as the run's report has them."""
        client = self.scene.client()
        report = Evaluation(client.connection, "default").report(self._runs()["docs-retrieval"]["id"])
        client.close()
        worst = report["worst"].get("recall@5", {}).get("language", [])
        if worst:
            self.scene.console.print("\nQuestions found in one language and not in the other:")
        for item in worst[:3]:
            for case in item["cases"]:
                found = "found    " if case["value_bp"] else "not found"
                self.scene.console.print(f"  {item['name']}  {case['group']}  {found}  {escape(case['question'])}")

    def _local_model(self, wanted: str | None) -> dict[str, Any] | None:
        client = self.scene.client()
        hosts = client.connection.get("/v1/projects/default/models")["items"]
        client.close()
        models = [model for host in hosts for model in host["models"] if model["provider"] == "ollama"]
        fit = [m for m in models if (m["name"] == wanted if wanted else _EMBEDS not in m["family"])]
        return min(fit, key=lambda model: (model["size_bytes"], model["name"]), default=None)

    def _edit(self, changes: Mapping[str, str]) -> None:
        """Change sekisho.yaml as an editor would, and show the difference."""
        file = self.scene.project / "sekisho.yaml"
        before = after = file.read_text("utf-8")
        for old, new in changes.items():
            if after.count(old) != 1:
                raise Invalid(f"{file} does not hold {old.strip()!r} once; the demo has nothing to edit")
            after = after.replace(old, new)
        file.write_text(after, "utf-8")
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), file.name, file.name, "", "", 1, "")
        self.scene.console.print(coloured("\n".join(lines), "diff"))

    def _pinned(self, label: str) -> str:
        return f"{label}@{self.scene.lock.digest(label)}"

    def _expect_code(self, said: str, code: int, wanted: int) -> None:
        self.findings.expect(said, f"exit code {code}", holds=code == wanted)

    @contextmanager
    def _act(self, number: str, title: str) -> Iterator[None]:
        self.scene.console.rule(f"[bold]{number}  {title}[/bold]", align="left")
        started = time.monotonic()
        yield
        self.findings.seconds.append((f"act {number}", time.monotonic() - started))


def _blocking(decision: Mapping[str, Any]) -> str:
    return f" ({', '.join(decision['blocking'])})" if decision["blocking"] else ""


def _licence(model: str) -> str:
    """The licence as its publisher states it, where the demo knows it; policy allows no other."""
    return "Apache-2.0" if model.startswith("smollm2") else "LicenseRef-unknown"
