"""A run and its parts as JSON for people and tools: ``sekisho.report/v2``, whose shape is ``shape.py``. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final, cast

from sekisho.evaluation.columns import measured_results
from sekisho.evaluation.reports.cases import case_view, distribution
from sekisho.evaluation.reports.choosing import Choice, Whole, choose, whole_of
from sekisho.evaluation.reports.methods import DOCS, methods
from sekisho.evaluation.reports.shape import (
    SCHEMA,
    Bin,
    CaseView,
    Comparison,
    Regression,
    Report,
    RunView,
    Shown,
    Worst,
)
from sekisho.evaluation.reports.verdict import verdict_of
from sekisho.evaluation.summary import case_values
from sekisho.evaluation.types import CaseResult, Run, RunState, Unscored, score_json
from sekisho.kernel.jobs import Job, JobState

COMPARISON: Final = "sekisho.comparison/v1"
SHOWN_CASES: Final = 50
MAX_SHOWN_CASES: Final = 500
UNSCORED_CASES: Final = 5
MAX_UNSCORED: Final = 20


@dataclass(frozen=True, slots=True)
class Baseline:
    """The run that a report compares with, its results, and what `comparison.compare_runs` found.

    `whole` are the cases that got worse; None where `results` are at hand in full.
    """

    run: Run
    results: Sequence[CaseResult]
    metrics: Mapping[str, Any]
    whole: Whole | None = None


def run_json(run: Run) -> dict[str, Any]:
    """A run without its results. What is not known yet is left out."""
    value = {
        "id": run.id,
        "project": run.project,
        "state": run.state.value,
        "origin": run.origin.value,
        "suite": run.suite,
        "suite_name": run.suite_name,
        "dataset": run.dataset,
        "subject": run.subject,
        "subject_kind": run.subject_kind,
        "subject_name": run.subject_name,
        "target": run.target.value,
        "principal": run.principal,
        "answers": run.answers,
        "planned": run.planned,
        "done": run.done,
        "engine": dict(run.engine),
        "summary": run.summary,
        "final_digest": run.final_digest,
        "reason": run.reason,
        "observations": run.observations,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }
    return {name: item for name, item in value.items() if item is not None}


def case_json(result: CaseResult) -> dict[str, Any]:
    """One case of a run: its question, what came out, every score or why there is none."""
    value = {
        "case": result.case_id,
        "repeat": result.repeat,
        "question": result.question,
        "cluster": result.cluster,
        "pair": result.pair,
        "slices": dict(result.slices),
        "scores": {name: score_json(score) for name, score in result.scores.items()},
        "output": dict(result.output),
        **(result.wanted or {}),
        "latency_ms": result.latency_ms,
        "at": result.at,
    }
    return {name: item for name, item in value.items() if item is not None}


def report_json(
    run: Run,
    results: Sequence[CaseResult],
    *,
    lower: frozenset[str],
    baseline: Baseline | None = None,
    shown: int = SHOWN_CASES,
    docs: str = DOCS,
) -> Report:
    """The whole report, of results that are at hand in full. It holds the `shown` worst cases, before them those that
    got worse most. `lower` names the metrics where less is better.
    """
    choice = choose(run, results, lower, None if baseline is None else baseline.metrics, shown=shown)
    return report_of(run, results, choice, whole_of(results), lower=lower, baseline=baseline, docs=docs)


def report_of(
    run: Run,
    results: Sequence[CaseResult],
    choice: Choice,
    whole: Whole,
    *,
    lower: frozenset[str],
    baseline: Baseline | None = None,
    docs: str = DOCS,
    server: str = "",
) -> Report:
    """The whole report, of results that may be columns, and of `whole`, which holds the chosen cases in full.

    `server` is the address at which the API answers, empty where it is not known.
    """
    metrics = (run.summary or {}).get("metrics", {})
    measured = measured_results(results)
    report: Report = {
        "schema": SCHEMA,
        "verdict": verdict_of(run, None if baseline is None else baseline.metrics),
        "run": cast(RunView, run_json(run)),
        "latency_ms": cast(Any, latency(measured)),
        "distributions": _distributions(measured, metrics),
        "worst": {
            name: {axis: [_asked(one, whole) for one in shown] for axis, shown in axes.items()}
            for name, axes in choice.gaps.items()
        },
        "unscored": cast(Any, _unscored(measured)),
        "cases": _views(choice.worst, whole, lower),
        "cut": _cut(run, choice, server),
        "methods": methods(docs),
    }
    if len(measured) < len(results):
        report["controls"] = _views(choice.missed, whole, lower)
    if baseline is not None:
        report["comparison"] = _comparison(baseline, choice, whole, lower)
    return report


def comparison_json(baseline: Run, candidate: Run, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Two runs beside each other; differences are candidate minus baseline."""
    return {
        "schema": COMPARISON,
        "baseline": run_json(replace(baseline, summary=None)),
        "candidate": run_json(replace(candidate, summary=None)),
        "metrics": dict(metrics),
    }


def with_job(run: Run, job_id: str) -> Run:
    return replace(run, job_id=job_id)


def ended_by_job(run: Run, job: Job | None) -> Run:
    """The run as its job says it is, where the job ended and the run's own row did not."""
    if job is None or not job.state.over:
        return run
    state = RunState.CANCELLED if job.state is JobState.CANCELLED else RunState.FAILED
    return replace(run, state=state, reason=job.error or state.value, finished_at=job.finished_at)


def _comparison(baseline: Baseline, choice: Choice, whole: Whole, lower: frozenset[str]) -> Comparison:
    was = whole_of(baseline.results) if baseline.whole is None else baseline.whole
    regressions: list[Regression] = [
        {
            "metric": row["metric"],
            "case": row["case"],
            "before_bp": row["before_bp"],
            "after_bp": row["after_bp"],
            "before": case_view(was[row["case"]], lower),
            "after": case_view(whole[row["case"]], lower),
        }
        for row in choice.regressed
        if row["case"] in was and row["case"] in whole
    ]
    return {
        "baseline": cast(RunView, run_json(baseline.run)),
        "metrics": dict(baseline.metrics),
        "regressions": regressions,
        "distributions": _distributions(baseline.results, baseline.metrics),
    }


def _cut(run: Run, choice: Choice, server: str) -> Shown:
    shown: Shown = {"total": choice.total, "shown": len(choice.worst)}
    if shown["shown"] < shown["total"]:
        shown["cases"] = f"{server.rstrip('/')}/v1/projects/{run.project}/runs/{run.id}/cases"
    return shown


def _views(names: Sequence[str], whole: Whole, lower: frozenset[str]) -> list[CaseView]:
    """Cases erased since they were chosen are not there."""
    return [case_view(whole[name], lower) for name in names if name in whole]


def _asked(one: Mapping[str, Any], whole: Whole) -> Worst:
    """A pair, or a case, that shows a gap, with its question in each group."""
    cases = [{**case, "question": whole[case["case"]][0].question} for case in one["cases"] if case["case"] in whole]
    return {"name": one["name"], "cases": cast(Any, cases)}


def _distributions(results: Sequence[CaseResult], metrics: Mapping[str, Any]) -> dict[str, list[Bin]]:
    return {name: distribution(case_values(results, name)) for name in metrics}


def latency(results: Sequence[CaseResult]) -> dict[str, int]:
    """Milliseconds that models took for an answer; empty where none was asked."""
    # Counted by what they are: there are far fewer lengths of time than results.
    counted = Counter(result.latency_ms for result in results if result.latency_ms is not None)
    n = counted.total()
    if not n:
        return {}
    return {"n": n, "p50": _at(counted, n // 2), "p95": _at(counted, min(n - 1, n * 95 // 100))}


def _at(counted: Mapping[int, int], place: int) -> int:
    """What stands at this place of all the values in their order."""
    ordered = sorted(counted)
    ends = list(accumulate(counted[value] for value in ordered))
    return ordered[bisect_right(ends, place)]


def _unscored(results: Sequence[CaseResult]) -> list[dict[str, Any]]:
    """Why cases were not scored, by reason, the most frequent first."""
    counted: Counter[tuple[str, str]] = Counter()
    cases: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for name, score in result.scores.items():
            if isinstance(score, Unscored):
                key = (name, score.reason)
                counted[key] += 1
                named = cases.setdefault(key, [])
                if len(named) < UNSCORED_CASES:
                    named.append(result.case_id)
    rows = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"metric": metric, "reason": reason, "n": n, "cases": cases[metric, reason]}
        for (metric, reason), n in rows[:MAX_UNSCORED]
    ]
