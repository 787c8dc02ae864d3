"""One value per case, from what its repeats scored. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.evaluation.columns import Columns, Part
from sekisho.evaluation.statistics import Interval, mean
from sekisho.evaluation.types import CaseResult, Scored
from sekisho.evaluation.values import CaseValue, values_of

__all__ = ["CaseValue", "Scale", "case_values", "pessimistic_values", "scale_of", "wholly_scored"]

SEED: Final = 20_261_123
LEAST_COVERAGE_BP: Final = 8_000
"""A run of which any metric scored a smaller share of the cases is inconclusive."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of a metric's values, which statistics see as 0 to 1."""

    low: float = 0.0
    high: float = 1.0

    @property
    def width(self) -> float:
        return self.high - self.low

    @property
    def is_share(self) -> bool:
        """Whether values are as statistics see them."""
        return self == _SHARE

    def unit(self, value: float) -> float:
        return value if self.is_share else (value - self.low) / self.width

    def value(self, unit: float) -> float:
        return self.low + unit * self.width

    def interval(self, unit: Interval) -> Interval:
        return Interval(self.value(unit.low), self.value(unit.high))

    def difference(self, unit: Interval) -> Interval:
        return Interval(unit.low * self.width, unit.high * self.width)


_SHARE: Final = Scale()


def scale_of(declared: tuple[float, float] | None, values: Iterable[float]) -> Scale:
    """The declared range (0 to 1 where there is none), widened to what was seen: no interval excludes its own data.

    A range without an upper end reaches as far as what was seen.
    """
    ends = [end for end in declared or (0.0, 1.0) if math.isfinite(end)]
    low, high = min(ends, default=math.inf), max(ends, default=-math.inf)
    for value in values:
        low, high = min(low, value), max(high, value)
    return Scale(low, high if high > low else low + 1.0)


def case_values(results: Iterable[CaseResult], metric: str) -> Sequence[CaseValue]:
    """One value per case that has any scored repeat, in the order of case ids."""
    if isinstance(results, (Columns, Part)):
        return values_of(results, metric)
    scored: dict[str, list[float]] = {}
    rows: dict[str, CaseResult] = {}
    for result in results:
        score = result.scores.get(metric)
        if isinstance(score, Scored):
            scored.setdefault(result.case_id, []).append(score.value)
            rows[result.case_id] = result
    return [_value(rows[name], scored[name]) for name in sorted(scored)]


def pessimistic_values(results: Iterable[CaseResult], metric: str, worst: float) -> Sequence[CaseValue]:
    """Every case that ran, in the order of their ids: each unscored repeat counts as `worst`."""
    if isinstance(results, (Columns, Part)):
        return values_of(results, metric, unscored=worst)
    values: dict[str, list[float]] = {}
    rows: dict[str, CaseResult] = {}
    for result in results:
        score = result.scores.get(metric)
        values.setdefault(result.case_id, []).append(score.value if isinstance(score, Scored) else worst)
        rows[result.case_id] = result
    return [_value(rows[name], values[name]) for name in sorted(values)]


def wholly_scored(results: Sequence[CaseResult], metric: str) -> bool:
    """Whether every repeat of every case that ran was scored."""
    if isinstance(results, (Columns, Part)):
        return all(isinstance(results.columns.score(metric, place), Scored) for place in results.places)
    return all(isinstance(result.scores.get(metric), Scored) for result in results)


def _value(row: CaseResult, values: Sequence[float]) -> CaseValue:
    binary = all(value in {0.0, 1.0} for value in values)
    return CaseValue(row.case_id, mean(sorted(values)), row.cluster, row.pair, row.slices, binary)
