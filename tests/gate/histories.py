"""Histories of runs of one version, judged by the real assembly and policy without a database.

A history holds what a database would: runs with their case results. `Measured` tells the gate of it by the same pure
functions that `sekisho.evaluation.gathering` uses.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sekisho.evaluation import evidence
from sekisho.evaluation.summary import summarise
from sekisho.evaluation.types import CaseResult, Origin, Run, RunState, Scored, Target, Unscored
from sekisho.gate.evidence import Measurements
from sekisho.gate.parameters import Parameters
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.references import Kind
from sekisho.registry.types import Version
from tests.gate.inputs import AGENT, ANSWERS, ANSWERS_DATA, BASELINE, DAY, EVIDENCE, NOW, Json, promotion
from tests.gate.unqualified import NoQualifications

CASES: Final = 150
METRIC: Final = "hallucinated"
NO_TX: Any = None
SUBJECT: Final = Version(
    project="default", kind=Kind.AGENT, name="docs-assistant", number=2, digest=AGENT, manifest={}, created_at=0,
    author="", archived=False, revoked=False,
)  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """One run, ended `hours` before now: the cases that are made up, and how many of the others have no score.

    `missed` are control cases, of which one may be; `done` are the results of a run that was cut short.
    """

    wrong: frozenset[int]
    hours: int = 24
    unscored: int = 0
    state: RunState = RunState.FINISHED
    origin: Origin = Origin.MEASURED
    missed: int = 0
    done: int = 0
    cases: int = CASES


@dataclass(frozen=True)
class Measured:
    """The gate's `Runs` over a history, beside the one sound run of the retrieval suite."""

    tried: Sequence[Tried]
    before: Sequence[Tried] = ()
    """What was run of the version that stands at the stage now."""
    runs: Sequence[Run] = field(init=False)
    earlier: Sequence[Run] = field(init=False)
    results: Mapping[str, Sequence[CaseResult]] = field(init=False)

    def __post_init__(self) -> None:
        made = [made_run(f"run-{number:02}", one) for number, one in enumerate(self.tried)]
        past = [made_run(f"before-{number:02}", one, subject=BASELINE) for number, one in enumerate(self.before)]
        object.__setattr__(self, "runs", [run for run, _ in made])
        object.__setattr__(self, "earlier", [run for run, _ in past])
        object.__setattr__(self, "results", {run.id: results for run, results in (*made, *past)})

    async def evidence(self, tx: Transaction, project: str, digest: str) -> list[Json]:
        ended = [run for run in self.runs if run.state in (RunState.FINISHED, RunState.INCONCLUSIVE)]
        return [promotion()["evidence"]["runs"][0], *(_scored(evidence.run_evidence(run)) for run in ended)]

    async def brief_evidence(self, tx: Transaction, project: str, digest: str) -> list[Json]:
        return [promotion()["evidence"]["baseline_runs"][0], *map(evidence.brief_evidence, self.earlier)]

    async def abandoned(self, tx: Transaction, project: str, digest: str) -> list[Json]:
        return [evidence.abandoned_evidence(run) for run in self.runs if run.state is not RunState.FINISHED]

    async def recorded(self, tx: Transaction, project: str, digest: str) -> list[Json]:
        ends = [{"suite": run.suite, "state": run.state.value} for run in self.runs]
        return [promotion()["evidence"]["recorded"][0], *evidence.recorded_evidence(ends)]

    async def pooled(self, tx: Transaction, run_ids: Sequence[str], *, level_ppm: int) -> Json:
        runs = {run.id: run for run in self.runs}
        results = [self.results[name] for name in run_ids]
        return _scored(evidence.pool_evidence([runs[name] for name in run_ids], results, level_ppm=level_ppm))

    async def compared(
        self, tx: Transaction, baseline: Sequence[str], candidate: Sequence[str], metrics: Sequence[str],
        *, level_ppm: int, claims: int,
    ) -> list[Json]:  # fmt: skip
        if list(metrics) != [METRIC]:
            whole = promotion()["evidence"]["comparisons"][0]
            return [{name: value for name, value in whole.items() if name not in BOUND}]
        before, after = ([self.results[name] for name in names] for names in (baseline, candidate))
        found = evidence.comparison_evidence(METRIC, before, after, level_ppm=level_ppm, claims=claims)
        return [] if found is None else [found]


def made_run(name: str, tried: Tried, subject: str = AGENT) -> tuple[Run, list[CaseResult]]:
    """A run as the runner would leave it, with its results."""
    planned = range(tried.cases)
    silent = set([case for case in planned if case not in tried.wrong][: tried.unscored])
    results = [_result(case, wrong=case in tried.wrong, scored=case not in silent) for case in planned]
    summary = summarise(results, planned=tried.cases, metrics=[METRIC], axes=[], lower=[METRIC])
    if tried.missed:
        summary["controls"] = {"planned": 9, "missed": tried.missed, "allowed": 1, "missed_cases": []}
    cut = tried.state in (RunState.CANCELLED, RunState.FAILED)
    run = Run(
        id=name, project="default", state=tried.state, origin=tried.origin, suite=ANSWERS,
        suite_name="docs-answers", dataset=ANSWERS_DATA, subject=subject, subject_kind="agent",
        subject_name="docs-assistant", target=Target.ANSWERS, principal="lab", job_id="", answers=None,
        planned=tried.cases,
        done=tried.done if cut else tried.cases, engine={}, summary=None if cut else summary,
        final_digest=None if cut else digest_of([sorted(tried.wrong), tried.unscored]), reason=None, created_at=0,
        started_at=NOW - tried.hours * 3_600_000 - 60_000, finished_at=NOW - tried.hours * 3_600_000,
    )  # fmt: skip
    return run, results


def _result(case: int, *, wrong: bool, scored: bool) -> CaseResult:
    score = Scored(float(wrong)) if scored else Unscored("it was not answered")
    return CaseResult(
        case_id=f"q-{case:04}", repeat=0, cluster=f"q-{case:04}", pair=None, slices={}, question="?",
        scores={METRIC: score}, output={}, latency_ms=None, at=0,
    )  # fmt: skip


def _scored(entry: Json) -> Json:
    """The fixtures' name of the scorer, so that the policy finds who scored; and their other metric of the suite."""
    entry["metrics"][METRIC]["scorer"] = "grounding"
    entry["metrics"]["abstained"] = promotion()["evidence"]["runs"][1]["metrics"]["abstained"]
    return entry


def asked(tried: Iterable[Tried], parameters: Parameters, *, before: Sequence[Tried] = ()) -> Json:
    """The passing promotion, with this history in place of the answers' run.

    No version stands at the stage yet, unless `before` says what was run of it.
    """
    measurements = Measurements(Measured(list(tried), before), NoQualifications(), parameters)
    baseline = BASELINE if before else None
    gathered = asyncio.run(measurements.gather(NO_TX, SUBJECT, "production", baseline, NOW))
    document = promotion()
    if not before:
        del document["current"]
    kept = {part: document["evidence"][part] for part in ("cards", "overlaps", "licences", "attested")}
    document["evidence"] = {"hash": EVIDENCE, **gathered, **kept}
    return document


def drawn(rng: random.Random, rates: Sequence[float]) -> frozenset[int]:
    """The cases that one run gets wrong, case `i` with the probability `rates[i]`."""
    return frozenset(case for case, rate in enumerate(rates) if rng.random() < rate)


BOUND: Final = ("suite", "baseline", "members", "baseline_members")
"""Of a comparison, what the gate adds to the figures."""
WITHIN: Final = 30 * DAY // 3_600_000
"""Hours of the window at production."""
