"""A run and its parts as JSON for people and tools: ``sekisho.report/v1``. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sekisho.evaluation.types import CaseResult, Run, RunState, score_json
from sekisho.evaluation.values import case_values
from sekisho.kernel.jobs import Job, JobState

SCHEMA: Final = "sekisho.report/v1"
COMPARISON: Final = "sekisho.comparison/v1"


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


def report_json(run: Run, results: Sequence[CaseResult]) -> dict[str, Any]:
    """The whole report but the table of cases, which is read page by page."""
    report: dict[str, Any] = {"schema": SCHEMA, "run": run_json(run), "latency_ms": latency(results)}
    metrics = (run.summary or {}).get("metrics", {})
    report["worst"] = {
        name: {axis: _worst(results, name, axis, gap) for axis, gap in metric["gaps"].items()}
        for name, metric in metrics.items()
        if metric["gaps"]
    }
    report["unscored"] = _unscored(results)
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
