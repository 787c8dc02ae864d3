"""The value of each case by one metric, over its repeats: what every mean, slice and comparison is made from. Pure.

Of results at hand they are a list; of a run's columns they are computed as they are asked for, so that a summary of a
hundred thousand cases holds no hundred thousand objects.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import overload

from sekisho.evaluation import statistics
from sekisho.evaluation.columns import Columns
from sekisho.evaluation.statistics import Observation
from sekisho.evaluation.types import CaseResult, Scored


@dataclass(frozen=True, slots=True)
class CaseValue:
    """One case's value of one metric, over its repeats."""

    case_id: str
    value: float
    cluster: str
    pair: str | None
    slices: Mapping[str, str]

    @property
    def observation(self) -> Observation:
        return Observation(self.value, self.cluster)


class Values(Sequence[CaseValue]):
    """Values of columns: where each case's last scored result stands, and its mean."""

    def __init__(self, columns: Columns, places: array[int], values: array[float]) -> None:
        self._columns = columns
        self._places = places
        self._values = values

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> CaseValue: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[CaseValue]: ...

    def __getitem__(self, place: int | slice) -> CaseValue | Sequence[CaseValue]:
        if isinstance(place, slice):
            return Values(self._columns, self._places[place], self._values[place])
        return self._one(self._places[place], self._values[place])

    def __iter__(self) -> Iterator[CaseValue]:
        return map(self._one, self._places, self._values)

    def _one(self, place: int, value: float) -> CaseValue:
        columns = self._columns
        return CaseValue(
            columns.case_id(place), value, columns.cluster(place), columns.pair(place), columns.slices(place)
        )

    def of_group(self, axis: str, group: str) -> Values:
        """The values of one group of an axis."""
        kept = bytearray(self._columns.slices(place).get(axis) == group for place in self._places)
        places, values = compress(self._places, kept), compress(self._values, kept)
        return Values(self._columns, array("I", places), array("d", values))


def case_values(results: Sequence[CaseResult], metric: str) -> Sequence[CaseValue]:
    """One value per case that has any scored repeat, in the order of case ids."""
    if isinstance(results, Columns):
        return _of_columns(results, metric)
    scored: dict[str, list[float]] = {}
    rows: dict[str, CaseResult] = {}
    for result in results:
        score = result.scores.get(metric)
        if isinstance(score, Scored):
            scored.setdefault(result.case_id, []).append(score.value)
            rows[result.case_id] = result
    return [
        CaseValue(
            name,
            statistics.mean(sorted(scored[name])),
            rows[name].cluster,
            rows[name].pair,
            rows[name].slices,
        )
        for name in sorted(scored)
    ]


def of_group(rows: Sequence[CaseValue], axis: str, group: str) -> Sequence[CaseValue]:
    """The values of one group of an axis."""
    if isinstance(rows, Values):
        return rows.of_group(axis, group)
    return [row for row in rows if row.slices.get(axis) == group]


def groups_of(results: Sequence[CaseResult], axis: str) -> list[str]:
    """The groups of an axis that occur."""
    if isinstance(results, Columns):
        return sorted({slices[axis] for slices in results.kinds_of_slices if axis in slices})
    return sorted({result.slices[axis] for result in results if axis in result.slices})


def asked_of(results: Sequence[CaseResult], axis: str, group: str) -> int:
    """How many cases of one group were asked, scored or not."""
    if not isinstance(results, Columns):
        return len({result.case_id for result in results if result.slices.get(axis) == group})
    return sum(
        results.slices(place).get(axis) == group
        for place in range(len(results))
        if place == 0 or not results.same_case(place, place - 1)
    )


def _of_columns(columns: Columns, metric: str) -> Values:
    """The columns stand in the order of case ids, so that a case's repeats are neighbours."""
    places, values = array("I"), array("d")
    found: list[float] = []
    last = 0
    for place in range(len(columns) + 1):
        if found and (place == len(columns) or not columns.same_case(place, last)):
            places.append(last)
            values.append(statistics.mean(sorted(found)))
            found = []
        if place < len(columns) and metric in columns.metrics:
            score = columns.score(metric, place)
            if isinstance(score, Scored):
                found.append(score.value)
                last = place
    return Values(columns, places, values)
