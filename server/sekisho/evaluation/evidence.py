"""A run as the gate reads it: integers and strings, nothing absent that should be there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sekisho.evaluation.columns import measured_results
from sekisho.evaluation.comparison import Comparison, compare, comparison_json, difference_json
from sekisho.evaluation.instruments import instruments_of
from sekisho.evaluation.pooling import pool
from sekisho.evaluation.scorers.catalogue import RANGES, SCORERS
from sekisho.evaluation.summary import summarise
from sekisho.evaluation.types import CaseResult, Run, RunState

MILLION: Final = 1_000_000
_INTERVAL: Final = ("n", "mean_bp", "low_bp", "high_bp", "pessimistic_low_bp", "pessimistic_high_bp")
_CONTROLS: Final = ("planned", "missed", "allowed", "missed_cases")
_FURTHER: Final = {"mcnemar_p_bp": "mcnemar_p_bp", "mde_bp": "detectable_bp"}


def run_evidence(run: Run) -> dict[str, Any]:
    """One entry of ``evidence.runs`` in the gate's input."""
    summary = run.summary or {"cases": 0, "scored": 0, "coverage_bp": 0, "metrics": {}}
    return {
        **brief_evidence(run),
        "suite_name": run.suite_name,
        "cases": summary["cases"],
        "scored": summary["scored"],
        "engine": _engine(run.engine),
        "instruments": [_instrument(found) for found in instruments_of(run)],
        "metrics": _metrics(summary),
    }


def brief_evidence(run: Run) -> dict[str, Any]:
    """What tells whether a run counts: of a baseline's runs the gate's input holds no more than this."""
    summary = run.summary or {}
    found = {
        "id": run.id,
        "suite": run.suite,
        "dataset": run.dataset,
        "subject": run.subject,
        "origin": run.origin.value,
        "producer": run.principal,
        "state": run.state.value,
        **({} if run.started_at is None else {"started_at": run.started_at}),
        "finished_at": run.finished_at or 0,
        "final_digest": run.final_digest or "",
        "coverage_bp": summary.get("coverage_bp", 0),
    }
    if summary.get("controls"):
        found["controls"] = {name: summary["controls"][name] for name in _CONTROLS}
    return found


def abandoned_evidence(run: Run) -> dict[str, Any]:
    """One entry of ``evidence.abandoned``: a run that ended without a result that counts."""
    return {
        "id": run.id,
        "suite": run.suite,
        "suite_name": run.suite_name,
        "dataset": run.dataset,
        "state": run.state.value,
        "origin": run.origin.value,
        "producer": run.principal,
        "done": run.done,
        "planned": run.planned,
        "ended_at": run.finished_at or run.created_at,
    }


def recorded_evidence(ends: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Entries of ``evidence.recorded``: per suite how many runs the ledger says finished, and how many ended otherwise.

    `ends` are the bodies of the ledger's entries about the ends of one version's runs.
    """
    counts: dict[str, dict[str, int]] = {}
    for body in ends:
        found = counts.setdefault(body["suite"], {"finished": 0, "abandoned": 0})
        found["finished" if body.get("state") == RunState.FINISHED.value else "abandoned"] += 1
    return [{"suite": suite, **found} for suite, found in sorted(counts.items())]


def pool_evidence(runs: Sequence[Run], results: Sequence[Sequence[CaseResult]], *, level_ppm: int) -> dict[str, Any]:
    """One entry of ``evidence.pools``: several runs of one version by one suite, summed up as if they were one.

    Its intervals have the level `level_ppm`, the probability in millionths that such an interval misses the truth.
    """
    first = runs[0]
    metrics = (first.summary or {})["metrics"]
    summary = summarise(
        # Control cases test the scorer, not the subject: they enter no estimate.
        measured_results(pool(results)),
        planned=(first.summary or {})["cases"],
        metrics=list(metrics),
        axes=sorted({axis for metric in metrics.values() for axis in metric["slices"]}),
        lower=[name for name, metric in metrics.items() if metric["lower_is_better"]],
        counterfactuals=sorted({axis for metric in metrics.values() for axis in metric.get("flips", {})}),
        alpha=level_ppm / MILLION,
    )
    return {
        "suite": first.suite,
        "dataset": first.dataset,
        "subject": first.subject,
        "members": [run.id for run in runs],
        "level_ppm": level_ppm,
        "cases": summary["cases"],
        "scored": summary["scored"],
        "coverage_bp": summary["coverage_bp"],
        "metrics": _metrics(summary),
    }


def comparison_evidence(
    metric: str,
    before: Sequence[Sequence[CaseResult]],
    after: Sequence[Sequence[CaseResult]],
    *,
    level_ppm: int,
    claims: int,
) -> dict[str, Any] | None:
    """The figures of one entry of ``evidence.comparisons``; None where no case was scored in both.

    ``levels`` holds the interval of the mean paired difference at the level divided by 1, 2 … `claims`. From these,
    policy takes Holm's steps over as many claims by itself, without a p-value.
    """
    old, new = (measured_results(pool(results)) for results in (before, after))
    found = compare(old, new, metric, declared=RANGES.get(metric))
    if found is None:
        return None
    levels = [_limits(found, level_ppm / MILLION / divisor) for divisor in range(1, claims + 1)]
    said = comparison_json(found)
    further = {name: said[key] for name, key in _FURTHER.items() if key in said}
    counted = {"metric": metric, "diff_bp": said["diff_bp"], "n": said["n"]}
    return {**counted, **levels[0], "level_ppm": level_ppm, "levels": levels, **further}


def _limits(found: Comparison, alpha: float) -> dict[str, int]:
    difference = difference_json(found, alpha=alpha)
    return {"low_bp": difference["low_bp"], "high_bp": difference["high_bp"]}


def _engine(engine: Mapping[str, str]) -> dict[str, str]:
    return {name: value.lower() if name == "family" else value for name, value in engine.items()}


def _instrument(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "scorer": found["scorer"],
        "digest": found["digest"],
        **({"family": found["family"].lower()} if found.get("family") else {}),
    }


def _metrics(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _metric(name, metric) for name, metric in summary["metrics"].items()}


def _metric(name: str, metric: Mapping[str, Any]) -> dict[str, Any]:
    scorer = scorer_of(name)
    return {
        **_interval(metric),
        **({} if scorer is None else {"scorer": scorer}),
        "coverage_bp": metric["coverage_bp"],
        "slices": {
            axis: {group: _interval(part) for group, part in groups.items()}
            for axis, groups in metric["slices"].items()
        },
        "gaps": {axis: dict(gap) for axis, gap in metric["gaps"].items()},
        **({"flips": {axis: dict(found) for axis, found in metric["flips"].items()}} if metric.get("flips") else {}),
    }


def scorer_of(metric: str) -> str | None:
    """The scorer that gives a metric of this name; None where no scorer of this version does."""
    base, cut, _ = metric.partition("@")
    names = {metric, f"{base}@k"} if cut else {metric}
    found = [scorer.name for scorer in SCORERS.values() if names.intersection(scorer.metrics)]
    return found[0] if len(found) == 1 else None


def _interval(part: Mapping[str, Any]) -> dict[str, int]:
    return {name: part[name] for name in _INTERVAL if name in part}
