"""A run as the gate reads it: integers and strings, nothing absent that should be there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sekisho.evaluation.comparison import compare_metric
from sekisho.evaluation.types import CaseResult, Run, RunState

_INTERVAL: Final = ("n", "mean_bp", "low_bp", "high_bp")


def run_evidence(run: Run) -> dict[str, Any]:
    """One entry of ``evidence.runs`` in the gate's input."""
    summary = run.summary or {"cases": 0, "scored": 0, "coverage_bp": 0, "metrics": {}}
    return {
        "id": run.id,
        "suite": run.suite,
        "suite_name": run.suite_name,
        "dataset": run.dataset,
        "subject": run.subject,
        "origin": run.origin.value,
        "state": run.state.value,
        "finished_at": run.finished_at or 0,
        "final_digest": run.final_digest or "",
        "cases": summary["cases"],
        "scored": summary["scored"],
        "coverage_bp": summary["coverage_bp"],
        "engine": dict(run.engine),
        "metrics": {name: _metric(metric) for name, metric in summary["metrics"].items()},
    }


def latest_by_suite(runs: Iterable[Run]) -> dict[str, Run]:
    """The finished run of each suite that ended last; `runs` come oldest first."""
    return {run.suite: run for run in runs if run.state is RunState.FINISHED}


def comparisons(
    suite: str, baseline: str, metrics: Sequence[str], before: Sequence[CaseResult], after: Sequence[CaseResult]
) -> list[dict[str, Any]]:
    """Entries of ``evidence.comparisons``: per metric the paired difference, where any case was scored in both."""
    found = []
    for metric in metrics:
        difference, _ = compare_metric(before, after, metric)
        if difference is not None:
            found.append({"suite": suite, "baseline": baseline, "metric": metric, **difference})
    return found


def _metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_interval(metric),
        "coverage_bp": metric["coverage_bp"],
        "slices": {
            axis: {group: _interval(part) for group, part in groups.items()}
            for axis, groups in metric["slices"].items()
        },
        "gaps": {axis: dict(gap) for axis, gap in metric["gaps"].items()},
    }


def _interval(part: Mapping[str, Any]) -> dict[str, int]:
    return {name: part[name] for name in _INTERVAL if name in part}
