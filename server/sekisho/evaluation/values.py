"""The values of a run's columns by one metric, and their groups: as lists would give them, without the lists. Pure.

They are computed as they are asked for, so that a summary of a hundred thousand cases holds no hundred thousand
objects.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, groupby
from operator import attrgetter
from typing import overload

from sekisho.evaluation.columns import Columns, Part
from sekisho.evaluation.mapped import Mapped
from sekisho.evaluation.statistics import Observation, mean
from sekisho.evaluation.types import CaseResult, Scored


@dataclass(frozen=True, slots=True)
class CaseValue:
    """One case's value of one metric, over its repeats. `binary`: each of them scored 0 or 1."""

    case_id: str
    value: float
    cluster: str
    pair: str | None
    slices: Mapping[str, str]
    binary: bool = False

    @property
    def observation(self) -> Observation:
        return Observation(self.value, self.cluster)


class Values(Sequence[CaseValue]):
    """Values of columns: where each case's last scored result stands, its mean, and whether all were 0 or 1."""

    def __init__(self, columns: Columns, places: array[int], values: array[float], binary: bytearray) -> None:
        self._columns = columns
        self._places = places
        self._values = values
        self._binary = binary

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, number: int) -> CaseValue: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[CaseValue]: ...

    def __getitem__(self, number: int | slice) -> CaseValue | Sequence[CaseValue]:
        if isinstance(number, slice):
            return Values(self._columns, self._places[number], self._values[number], self._binary[number])
        return self._one(self._places[number], self._values[number], self._binary[number])

    def __iter__(self) -> Iterator[CaseValue]:
        return map(self._one, self._places, self._values, self._binary)

    def of_group(self, axis: str, group: str) -> Values:
        """The values of one group of an axis."""
        kept = bytearray(self._columns.slices(place).get(axis) == group for place in self._places)
        return Values(
            self._columns,
            array("I", compress(self._places, kept)),
            array("d", compress(self._values, kept)),
            bytearray(compress(self._binary, kept)),
        )

    def _one(self, place: int, value: float, binary: int) -> CaseValue:
        columns = self._columns
        named = (columns.case_id(place), value, columns.cluster(place), columns.pair(place), columns.slices(place))
        return CaseValue(*named, bool(binary))


def values_of(results: Columns | Part, metric: str) -> Values:
    """One value per case that has any scored repeat; the columns stand in the order of case ids."""
    columns = results.columns
    places, values, binary = array("I"), array("d"), bytearray()
    for _, repeats in groupby(results.places, key=columns.case_id):
        scores = ((place, columns.score(metric, place)) for place in repeats)
        scored = [(place, score.value) for place, score in scores if isinstance(score, Scored)]
        if scored:
            places.append(scored[-1][0])
            values.append(mean(sorted(value for _, value in scored)))
            binary.append(all(value in {0.0, 1.0} for _, value in scored))
    return Values(columns, places, values, binary)


def observations(rows: Sequence[CaseValue]) -> Sequence[Observation]:
    """What statistics see of the values."""
    return Mapped(rows, attrgetter("observation"))


def of_group(rows: Sequence[CaseValue], axis: str, group: str) -> Sequence[CaseValue]:
    """The values of one group of an axis."""
    return rows.of_group(axis, group) if isinstance(rows, Values) else [r for r in rows if r.slices.get(axis) == group]


def grouped(results: Sequence[CaseResult], axis: str) -> Mapping[str, Sequence[CaseResult]]:
    """The results of each group of an axis, groups in the order of their names."""
    if isinstance(results, (Columns, Part)):
        places: dict[str, array[int]] = {}
        for place in results.places:
            group = results.columns.slices(place).get(axis)
            if group is not None:
                places.setdefault(group, array("I")).append(place)
        return {name: results.part(places[name]) for name in sorted(places)}
    found: dict[str, list[CaseResult]] = {}
    for result in results:
        if axis in result.slices:
            found.setdefault(result.slices[axis], []).append(result)
    return dict(sorted(found.items()))


def count_cases(results: Sequence[CaseResult]) -> int:
    """How many cases the results are of."""
    if not isinstance(results, (Columns, Part)):
        return len({result.case_id for result in results})
    return sum(1 for _ in groupby(results.places, key=results.columns.case_id))
