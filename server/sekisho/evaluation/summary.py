"""From case results to a run's summary: per metric the mean with its interval, slices, gaps between groups. Pure.

Rates are integers in basis points. The mean of a case's repeats counts once; a case is scored by a metric when any of
its repeats is. What was not scored lowers the coverage and enters no mean; beside each mean stands what it would be if
everything unscored were as bad as can be.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sekisho.evaluation import statistics
from sekisho.evaluation.case_values import (
    LEAST_COVERAGE_BP,
    SEED,
    CaseValue,
    Scale,
    case_values,
    pessimistic_values,
    scale_of,
    wholly_scored,
)
from sekisho.evaluation.fairness import flips
from sekisho.evaluation.gaps import gap_of
from sekisho.evaluation.scorers.catalogue import RANGES, UNITS
from sekisho.evaluation.scorers.declaration import SHARE
from sekisho.evaluation.statistics import ALPHA, Interval, Observation
from sekisho.evaluation.types import CaseResult, basis_points
from sekisho.evaluation.values import (
    Values,
    count_cases,
    count_scored,
    group_of,
    groups_of,
    held_by,
    observed,
    observed_with,
)

__all__ = ["LEAST_COVERAGE_BP", "SEED", "CaseValue", "case_values", "interval_bp", "summarise", "verdict"]

Groups = Mapping[str, Sequence[str]]
"""Axis → its groups, in the order of their names."""


@dataclass(frozen=True, slots=True)
class _Metric:
    """What the numbers of one metric are made with."""

    name: str
    scale: Scale
    lower_is_better: bool
    alpha: float

    @property
    def worst(self) -> float:
        return self.scale.high if self.lower_is_better else self.scale.low


def summarise(
    results: Sequence[CaseResult],
    *,
    planned: int,
    metrics: Sequence[str],
    axes: Sequence[str],
    lower: Iterable[str],
    ranges: Mapping[str, tuple[float, float]] = RANGES,
    counterfactuals: Sequence[str] = (),
    alpha: float = ALPHA,
) -> dict[str, Any]:
    """The summary of a run.

    `planned` is the number of cases; `lower` names the metrics where less is better; `ranges` holds the least and the
    greatest value of each metric that does not lie between 0 and 1. `counterfactuals` are the axes whose variants
    should change nothing; each metric then has its ``flips``.
    """
    groups, better_low = {axis: groups_of(results, axis) for axis in axes}, set(lower)
    scored = count_scored(results, metrics)
    # One metric after the other, so that the values of one at a time are held.
    return {
        "cases": planned,
        "scored": scored,
        "coverage_bp": _share_bp(scored, planned),
        "metrics": {
            name: {
                **_numbers(name, results, planned, groups, ranges.get(name), lower=name in better_low, alpha=alpha),
                **_flips(results, name, counterfactuals, ranges, alpha),
            }
            for name in metrics
        },
    }


def verdict(summary: Mapping[str, Any]) -> str | None:
    """Why the run is inconclusive, or None where it is not."""
    for name, metric in sorted(summary["metrics"].items()):
        if metric["n"] == 0:
            return f"no case could be scored by {name}"
        if metric["coverage_bp"] < LEAST_COVERAGE_BP:
            return f"{name} scored {metric['n']} of {summary['cases']} cases; at least 80 % are needed"
    return None


def interval_bp(mean: float, interval: Interval) -> dict[str, int]:
    return {
        "mean_bp": basis_points(mean),
        "low_bp": basis_points(interval.low),
        "high_bp": basis_points(interval.high),
    }


def _numbers(
    name: str,
    results: Sequence[CaseResult],
    planned: int,
    groups: Groups,
    declared: tuple[float, float] | None,
    *,
    lower: bool,
    alpha: float,
) -> dict[str, Any]:
    metric, whole = _whole(name, results, planned, declared, lower=lower, alpha=alpha)
    return {**whole, **_parts(metric, results, groups)}


def _whole(
    name: str,
    results: Sequence[CaseResult],
    planned: int,
    declared: tuple[float, float] | None,
    *,
    lower: bool,
    alpha: float,
) -> tuple[_Metric, dict[str, Any]]:
    """A metric over all cases, whose values also say how far it reaches."""
    rows = case_values(results, name)
    metric = _Metric(name, scale_of(declared, held_by(rows)), lower, alpha)
    unit = {"unit": UNITS[name]} if name in UNITS else {}
    return metric, {**_mean(metric, rows, planned, results), **unit, "lower_is_better": lower}


def _flips(
    results: Sequence[CaseResult],
    metric: str,
    axes: Sequence[str],
    ranges: Mapping[str, tuple[float, float]],
    alpha: float,
) -> dict[str, Any]:
    share = ranges.get(metric, SHARE) == SHARE
    found = {axis: flips(results, metric, axis, axes, share=share, seed=SEED, alpha=alpha) for axis in axes}
    return {"flips": found} if found else {}


def _parts(metric: _Metric, results: Sequence[CaseResult], groups: Groups) -> dict[str, Any]:
    """A metric over each group of each axis, and the gaps between them."""
    slices: dict[str, Any] = {}
    gaps: dict[str, Any] = {}
    for axis, names in groups.items():
        parts = {name: group_of(results, axis, name) for name in names}
        members = {name: case_values(part, metric.name) for name, part in parts.items()}
        slices[axis] = {name: _mean(metric, members[name], count_cases(part), part) for name, part in parts.items()}
        parts.clear()
        if gap := gap_of(members, scale=metric.scale, lower_is_better=metric.lower_is_better, alpha=metric.alpha):
            gaps[axis] = gap
    return {"slices": slices, "gaps": gaps}


def _mean(metric: _Metric, rows: Sequence[CaseValue], planned: int, results: Sequence[CaseResult]) -> dict[str, Any]:
    counted = {"n": len(rows), "coverage_bp": _share_bp(len(rows), planned)}
    if not rows:
        return counted
    seen = observed(rows)
    found = _limits(metric, seen)
    if len(rows) == planned and wholly_scored(results, metric.name):
        worst = found
    else:
        worst = _limits(metric, _at_worst(metric, planned, results))
    clusters = statistics.count_clusters(seen)
    return {**counted, **found, **{f"pessimistic_{name}": bp for name, bp in worst.items()}, "clusters": clusters}


def _at_worst(metric: _Metric, planned: int, results: Sequence[CaseResult]) -> Sequence[Observation]:
    """All planned cases, each unscored one at its worst value. One that never ran counts as a document of its own."""
    ran = pessimistic_values(results, metric.name, metric.worst)
    absent = max(0, planned - len(ran))
    if isinstance(ran, Values):
        return observed_with(ran, [metric.worst] * absent)
    return [*observed(ran), *(Observation(metric.worst, f"\0{number}") for number in range(absent))]


def _limits(metric: _Metric, observations: Sequence[Observation]) -> dict[str, int]:
    unit = observations if metric.scale.is_share else statistics.changed(observations, metric.scale.unit)
    interval = statistics.mean_interval(unit, seed=SEED, alpha=metric.alpha)
    mean = statistics.mean(statistics.values_of(observations))
    return interval_bp(mean, metric.scale.interval(interval))


def _share_bp(part: int, whole: int) -> int:
    return math.floor(part * 10_000 / whole) if whole else 0
