"""The gap between the best and the worst group of an axis. Pure."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from sekisho.evaluation import statistics
from sekisho.evaluation.case_values import LEAST_COVERAGE_BP, SEED, CaseValue, Scale
from sekisho.evaluation.statistics import Bounds, Interval, Observation
from sekisho.evaluation.types import basis_points
from sekisho.evaluation.values import held_by, ids_of, observed

MAX_WORST: Final = 5


@dataclass(frozen=True, slots=True)
class _Difference:
    """First group minus second over what pairs them, or over the groups as they stand. In units of the scale."""

    value: float
    n: int
    paired: bool
    bounds: Bounds
    cases: tuple[str, ...]

    def interval(self, alpha: float) -> Interval:
        return statistics.interval_of(self.bounds, alpha=alpha, floor=-1.0)


def gap_of(
    members: Mapping[str, Sequence[CaseValue]], *, scale: Scale, lower_is_better: bool, alpha: float
) -> dict[str, Any] | None:
    """The gap between the best and the worst group of an axis; None where a group has no value or stands alone.

    With more than two groups every two are compared. The upper limit is the highest of all: a small group's wide
    interval must not hide behind a larger group. The lower limit is Bonferroni-corrected, since the pair was chosen
    by looking.
    """
    names = sorted(members)
    if len(names) < 2 or any(not members[name] for name in names):
        return None
    sign = -1.0 if lower_is_better else 1.0
    found = [_ordered(members, first, second, scale, sign) for first, second in combinations(names, 2)]
    best, worst, widest = max(found, key=lambda entry: (entry[2].value, entry[0], entry[1]))
    interval = Interval(
        max(entry[2].interval(alpha / len(found)).low for entry in found),
        max(entry[2].interval(alpha).high for entry in found),
    )
    limits = scale.difference(interval)
    return {
        "gap_bp": basis_points(widest.value * scale.width),
        "low_bp": basis_points(limits.low),
        "high_bp": basis_points(limits.high),
        "best": best,
        "worst": worst,
        "n": widest.n,
        "paired": widest.paired,
        "worst_cases": list(widest.cases),
    }


def _ordered(
    members: Mapping[str, Sequence[CaseValue]], first: str, second: str, scale: Scale, sign: float
) -> tuple[str, str, _Difference]:
    """The better group, the worse one, and by how much."""
    left, right = _group(members[first], scale), _group(members[second], scale)
    pairs = _paired(left, right)
    ahead = sign * (
        statistics.mean([value for _, value, _ in pairs])
        if pairs
        else statistics.mean(left.units) - statistics.mean(right.units)
    )
    if ahead < 0:
        first, second, left, right = second, first, right, left
        pairs = None if pairs is None else [(name, -value, cluster) for name, value, cluster in pairs]
    found = _of_pairs(pairs, sign) if pairs else _of_groups(left, right, sign)
    return first, second, found


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's values, and beside them what they are in units of the scale."""

    rows: Sequence[CaseValue]
    units: Sequence[float]


def _group(rows: Sequence[CaseValue], scale: Scale) -> _Group:
    held = held_by(rows)
    return _Group(rows, held if scale.is_share else array("d", map(scale.unit, held)))


_Pairs = list[tuple[str, float, str]]


def _of_pairs(pairs: _Pairs, sign: float) -> _Difference:
    rows = [Observation(sign * value, cluster) for _, value, cluster in pairs]
    apart = sorted((-sign * value, name) for name, value, _ in pairs if sign * value > 0)
    return _Difference(
        value=statistics.mean([row.value for row in rows]),
        n=len(rows),
        paired=True,
        bounds=statistics.difference_bounds(rows, seed=SEED),
        cases=tuple(name for _, name in apart[:MAX_WORST]),
    )


def _of_groups(first: _Group, second: _Group, sign: float) -> _Difference:
    left, right = (
        observed(group.rows, group.units if sign > 0 else [sign * unit for unit in group.units])
        for group in (first, second)
    )
    lowest = heapq.nsmallest(
        MAX_WORST, ((sign * unit, name) for name, unit in zip(ids_of(second.rows), second.units, strict=True))
    )
    return _Difference(
        value=statistics.mean(statistics.values_of(left)) - statistics.mean(statistics.values_of(right)),
        n=min(len(left), len(right)),
        paired=False,
        bounds=statistics.unpaired_bounds(left, right, seed=SEED),
        cases=tuple(name for _, name in lowest),
    )


def _paired(first: _Group, second: _Group) -> _Pairs | None:
    """(pair, difference, cluster) of each pair present in both; None unless most cases have their counterpart."""
    left, right = _by_pair(first), _by_pair(second)
    shared = sorted(set(left) & set(right))
    if not shared or 2 * len(shared) * 10_000 < LEAST_COVERAGE_BP * (len(first.rows) + len(second.rows)):
        return None
    return [
        (name, statistics.mean(left[name].values) - statistics.mean(right[name].values), left[name].cluster)
        for name in shared
    ]


@dataclass(frozen=True, slots=True)
class _Pair:
    """One pair's values in one group, and the cluster of its first case."""

    cluster: str
    values: list[float]


def _by_pair(group: _Group) -> dict[str, _Pair]:
    grouped: dict[str, _Pair] = {}
    for row, value in zip(group.rows, group.units, strict=True):
        if row.pair is not None:
            grouped.setdefault(row.pair, _Pair(row.cluster, [])).values.append(value)
    return grouped
