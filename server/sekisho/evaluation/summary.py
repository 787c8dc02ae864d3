"""From case results to a run's summary: per metric the mean with its interval, slices, gaps between groups. Pure.

Rates are integers in basis points. The mean of a case's repeats counts once; a case is scored by a metric when any of
its repeats is. What was not scored lowers the coverage and enters no mean.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any, Final

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import ALPHA, Interval, Observation
from sekisho.evaluation.types import CaseResult, basis_points
from sekisho.evaluation.values import CaseValue, asked_of, case_values, groups_of, of_group

LEAST_COVERAGE_BP: Final = 8_000
"""A run of which any metric scored a smaller share of the cases is inconclusive."""
SEED: Final = 20_261_123
MAX_WORST: Final = 5


@dataclass(frozen=True, slots=True)
class _Difference:
    """Best group minus worst group over what pairs them, or over the groups as they stand."""

    value: float
    n: int
    paired: bool
    interval: Interval
    corrected: Interval
    cases: tuple[str, ...]


def summarise(
    results: Sequence[CaseResult],
    *,
    planned: int,
    metrics: Sequence[str],
    axes: Sequence[str],
    lower: Iterable[str],
) -> dict[str, Any]:
    """The summary of a run. `planned` is the number of cases; `lower` names the metrics where less is better."""
    values = {metric: case_values(results, metric) for metric in metrics}
    scored = _scored(list(values.values()))
    groups = {axis: groups_of(results, axis) for axis in axes}
    better_low = set(lower)
    return {
        "cases": planned,
        "scored": scored,
        "coverage_bp": _share_bp(scored, planned),
        "metrics": {
            metric: _metric(rows, planned, groups, results, lower_is_better=metric in better_low)
            for metric, rows in values.items()
        },
    }


def _scored(values: Sequence[Sequence[CaseValue]]) -> int:
    """How many cases have a value by every metric."""
    names = heapq.merge(*((row.case_id for row in rows) for rows in values))
    return sum(len(list(same)) == len(values) for _, same in groupby(names))


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


def _metric(
    rows: Sequence[CaseValue],
    planned: int,
    groups: Mapping[str, Sequence[str]],
    results: Sequence[CaseResult],
    *,
    lower_is_better: bool,
) -> dict[str, Any]:
    slices: dict[str, Any] = {}
    gaps: dict[str, Any] = {}
    for axis, names in groups.items():
        members = {name: of_group(rows, axis, name) for name in names}
        slices[axis] = {name: _mean(members[name], asked_of(results, axis, name)) for name in names}
        if gap := _gap(members, lower_is_better=lower_is_better):
            gaps[axis] = gap
    return {**_mean(rows, planned), "lower_is_better": lower_is_better, "slices": slices, "gaps": gaps}


def _mean(rows: Sequence[CaseValue], planned: int) -> dict[str, Any]:
    counted = {"n": len(rows), "coverage_bp": _share_bp(len(rows), planned)}
    if not rows:
        return counted
    interval = statistics.mean_interval([row.observation for row in rows], seed=SEED)
    return {**counted, **interval_bp(statistics.mean([row.value for row in rows]), interval)}


def _gap(members: Mapping[str, Sequence[CaseValue]], *, lower_is_better: bool) -> dict[str, Any] | None:
    """The gap between the best and the worst group of an axis; None where a group has no value or stands alone.

    With more than two groups every two are compared. The upper limit is the highest of all: a small group's wide
    interval must not hide behind a larger group. The lower limit is Bonferroni-corrected, since the pair was chosen
    by looking.
    """
    names = sorted(members)
    if len(names) < 2 or any(not members[name] for name in names):
        return None
    pairs = list(combinations(names, 2))
    sign = -1.0 if lower_is_better else 1.0
    found = []
    for first, second in pairs:
        difference = _difference(members[first], members[second], sign, ALPHA / len(pairs))
        if difference.value >= 0:
            found.append((first, second, difference))
        else:
            found.append((second, first, _difference(members[second], members[first], sign, ALPHA / len(pairs))))
    best, worst, widest = max(found, key=lambda entry: (entry[2].value, entry[0], entry[1]))
    return {
        "gap_bp": basis_points(widest.value),
        "low_bp": basis_points(max(entry[2].corrected.low for entry in found)),
        "high_bp": basis_points(max(entry[2].interval.high for entry in found)),
        "best": best,
        "worst": worst,
        "n": widest.n,
        "paired": widest.paired,
        "worst_cases": list(widest.cases),
    }


def _difference(
    first: Sequence[CaseValue], second: Sequence[CaseValue], sign: float, corrected_alpha: float
) -> _Difference:
    """first - second (turned by `sign`); by pair where every case of both has its counterpart's name."""
    pairs = _paired(first, second, sign)
    if pairs is not None:
        rows = [Observation(value, cluster) for _, value, cluster in pairs]
        worst = sorted((pair for pair in pairs if pair[1] > 0), key=lambda pair: (-pair[1], pair[0]))[:MAX_WORST]
        return _Difference(
            value=statistics.mean([row.value for row in rows]),
            n=len(rows),
            paired=True,
            interval=statistics.difference_interval(rows, seed=SEED),
            corrected=statistics.difference_interval(rows, seed=SEED, alpha=corrected_alpha),
            cases=tuple(name for name, _, _ in worst),
        )
    left = [Observation(sign * row.value, row.cluster) for row in first]
    right = [Observation(sign * row.value, row.cluster) for row in second]
    lowest = heapq.nsmallest(MAX_WORST, second, key=lambda row: (sign * row.value, row.case_id))
    return _Difference(
        value=statistics.mean([o.value for o in left]) - statistics.mean([o.value for o in right]),
        n=min(len(left), len(right)),
        paired=False,
        interval=statistics.unpaired_difference(left, right, seed=SEED),
        corrected=statistics.unpaired_difference(left, right, seed=SEED, alpha=corrected_alpha),
        cases=tuple(row.case_id for row in lowest),
    )


def _paired(
    first: Sequence[CaseValue], second: Sequence[CaseValue], sign: float
) -> list[tuple[str, float, str]] | None:
    """(pair, difference, cluster) of each pair present in both; None unless most cases have their counterpart."""
    left, right = _by_pair(first), _by_pair(second)
    shared = sorted(set(left) & set(right))
    if 2 * len(shared) * 10_000 < LEAST_COVERAGE_BP * (len(first) + len(second)):
        return None
    return [
        (
            name,
            sign * (statistics.mean([r.value for r in left[name]]) - statistics.mean([r.value for r in right[name]])),
            left[name][0].cluster,
        )
        for name in shared
    ]


def _by_pair(rows: Sequence[CaseValue]) -> dict[str, list[CaseValue]]:
    grouped: dict[str, list[CaseValue]] = {}
    for row in rows:
        if row.pair is not None:
            grouped.setdefault(row.pair, []).append(row)
    return grouped


def _share_bp(part: int, whole: int) -> int:
    return math.floor(part * 10_000 / whole) if whole else 0
