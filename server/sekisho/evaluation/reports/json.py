"""A run and its parts as JSON for people and tools: ``sekisho.report/v2``, whose shape is ``shape.py``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from sekisho.evaluation.reports.cases import case_view, distribution, worst_first
from sekisho.evaluation.reports.methods import DOCS, methods
from sekisho.evaluation.reports.shape import SCHEMA, Bin, CaseView, Comparison, Regression, Report, RunView
from sekisho.evaluation.reports.verdict import verdict_of
from sekisho.evaluation.summary import case_values
from sekisho.evaluation.types import CaseResult, Run, RunState, score_json
from sekisho.kernel.jobs import Job, JobState

COMPARISON: Final = "sekisho.comparison/v1"
SHOWN_CASES: Final = 50
MAX_SHOWN_CASES: Final = 500
MAX_REGRESSIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Baseline:
    """The run that a report compares with, its results, and what `comparison.compare_runs` found."""

    run: Run
    results: Sequence[CaseResult]
    metrics: Mapping[str, Any]


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
    """The whole report. It holds the `shown` worst cases, before them those that got worse most; the table of all
    cases is read page by page. `lower` names the metrics where less is better.
    """
    metrics = (run.summary or {}).get("metrics", {})
    controls = [result for result in results if result.is_control]
    results = [result for result in results if not result.is_control]
    regressed = [] if baseline is None else _regressed(baseline.metrics)
    ordered = worst_first(results, lower, [row["case"] for row in regressed])
    report: Report = {
        "schema": SCHEMA,
        "verdict": verdict_of(run, None if baseline is None else baseline.metrics),
        "run": cast(RunView, run_json(run)),
        "latency_ms": cast(Any, latency(results)),
        "distributions": _distributions(results, metrics),
        "worst": {
            name: {axis: cast(Any, _worst(results, name, axis, gap)) for axis, gap in metric["gaps"].items()}
            for name, metric in metrics.items()
            if metric.get("gaps")
        },
        "unscored": cast(Any, _unscored(results)),
        "cases": [case_view(repeats, lower) for repeats in ordered[:shown]],
        "cut": {"total": len(ordered), "shown": min(shown, len(ordered))},
        "methods": methods(docs),
    }
    if controls:
        report["controls"] = [case_view(repeats, lower) for repeats in _missed(run, controls, lower)]
    if baseline is not None:
        report["comparison"] = _comparison(baseline, regressed, results, lower)
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


def _missed(run: Run, controls: Sequence[CaseResult], lower: frozenset[str]) -> list[Sequence[CaseResult]]:
    """The control cases that the scorers missed, as far as the summary names them."""
    named = set((run.summary or {}).get("controls", {}).get("missed_cases", ()))
    return worst_first([result for result in controls if result.case_id in named], lower)


def _comparison(
    baseline: Baseline, regressed: Sequence[Mapping[str, Any]], results: Sequence[CaseResult], lower: frozenset[str]
) -> Comparison:
    names = {row["case"] for row in regressed}
    before, after = _views(baseline.results, names, lower), _views(results, names, lower)
    regressions: list[Regression] = [
        {
            "metric": row["metric"],
            "case": row["case"],
            "before_bp": row["before_bp"],
            "after_bp": row["after_bp"],
            "before": before[row["case"]],
            "after": after[row["case"]],
        }
        for row in regressed
    ]
    return {
        "baseline": cast(RunView, run_json(baseline.run)),
        "metrics": dict(baseline.metrics),
        "regressions": regressions,
        "distributions": _distributions(baseline.results, baseline.metrics),
    }


def _regressed(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cases that got worse most, over all metrics, each case once: by the metric where it lost most."""
    rows = [{"metric": name, **row} for name, metric in metrics.items() for row in metric.get("worsened", ())]
    rows.sort(key=lambda row: (-abs(row["after_bp"] - row["before_bp"]), row["case"], row["metric"]))
    once = {row["case"]: row for row in reversed(rows)}
    return [row for row in rows if once[row["case"]] is row][:MAX_REGRESSIONS]


def _views(results: Sequence[CaseResult], names: set[str], lower: frozenset[str]) -> dict[str, CaseView]:
    chosen = [result for result in results if result.case_id in names]
    return {repeats[0].case_id: case_view(repeats, lower) for repeats in worst_first(chosen, lower)}


def _distributions(results: Sequence[CaseResult], metrics: Mapping[str, Any]) -> dict[str, list[Bin]]:
    return {name: distribution(case_values(results, name)) for name in metrics}


def _worst(results: Sequence[CaseResult], metric: str, axis: str, gap: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cases that show a gap best: per pair the question in each group, with its value in basis points."""
    questions = {result.case_id: result.question for result in results}
    shown: dict[str, list[dict[str, Any]]] = {name: [] for name in gap["worst_cases"]}
    for row in case_values(results, metric):
        name = row.pair if gap["paired"] else row.case_id
        group = row.slices.get(axis)
        if name in shown and group in {gap["best"], gap["worst"]}:
            shown[name].append(
                {
                    "case": row.case_id,
                    "group": group,
                    "question": questions[row.case_id],
                    "value_bp": round(row.value * 10_000),
                }
            )
    return [{"name": name, "cases": cases} for name, cases in shown.items()]


def latency(results: Sequence[CaseResult]) -> dict[str, int]:
    """Milliseconds that models took for an answer; empty where none was asked."""
    times = sorted(result.latency_ms for result in results if result.latency_ms is not None)
    if not times:
        return {}
    return {"n": len(times), "p50": times[len(times) // 2], "p95": times[min(len(times) - 1, len(times) * 95 // 100)]}


def _unscored(results: Sequence[CaseResult]) -> list[dict[str, Any]]:
    """Why cases were not scored, by reason, the most frequent first."""
    counted: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for name, score in result.scores.items():
            body = score_json(score)
            if "unscored" in body:
                counted.setdefault((name, body["unscored"]), []).append(result.case_id)
    rows = sorted(counted.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        {"metric": metric, "reason": reason, "n": len(cases), "cases": cases[:5]}
        for (metric, reason), cases in rows[:20]
    ]
