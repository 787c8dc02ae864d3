"""The values of a run's columns by one metric, and their groups: as lists would give them, without the lists. Pure.

They are computed as they are asked for, so that a summary of a hundred thousand cases holds no hundred thousand
objects.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, overload

from sekisho.evaluation.columns import Clusters, Columns, Part
from sekisho.evaluation.packed import Numbers
from sekisho.evaluation.statistics import Observation, Observed, mean
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


_COMMON: Final = {0.0: 0.0, 1.0: 1.0}
"""Most scores are one of these; lists of values then hold two numbers, and not a hundred thousand equal ones."""


class Values(Sequence[CaseValue]):
    """Values of columns: where each case's last scored result stands, its mean, and whether all were 0 or 1."""

    def __init__(self, columns: Columns, places: Sequence[int], values: array[float], binary: bytearray) -> None:
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

    @property
    def held(self) -> array[float]:
        """The bare values."""
        return self._values

    @property
    def ids(self) -> Iterator[str]:
        return map(self._columns.case_id, self._places)

    @property
    def binary(self) -> bool:
        return all(self._binary)

    @property
    def names(self) -> Clusters:
        """Of the clusters."""
        return self._columns.clusters

    @property
    def clusters(self) -> Numbers:
        """Each value's cluster, as a number of `names`."""
        found = Numbers()
        for place in self._places:
            found.append(self._columns.cluster_number(place))
        return found

    def at(self, numbers: Sequence[int]) -> Values:
        """The values that stand at these numbers."""
        return Values(
            self._columns,
            array("I", map(self._places.__getitem__, numbers)),
            array("d", map(self._values.__getitem__, numbers)),
            bytearray(map(self._binary.__getitem__, numbers)),
        )

    def _one(self, place: int, value: float, binary: int) -> CaseValue:
        columns = self._columns
        value = _COMMON.get(value, value)
        named = (columns.case_id(place), value, columns.cluster(place), columns.pair(place), columns.slices(place))
        return CaseValue(*named, bool(binary))


def values_of(results: Columns | Part, metric: str, *, unscored: float | None = None) -> Values:
    """One value per case that has any scored repeat; the columns stand in the order of case ids.

    With a value for `unscored`, every case, and that for each repeat without a score.
    """
    columns = results.columns
    places, values, binary = array("I"), array("d"), bytearray()
    for _, repeats in groupby(results.places, key=columns.first):
        found: list[float] = []
        for place in repeats:
            score = columns.score(metric, place)
            value = score.value if isinstance(score, Scored) else unscored
            if value is not None:
                found.append(value)
                last = place
        if found:
            places.append(last)
            values.append(mean(sorted(found)))
            binary.append(all(value in {0.0, 1.0} for value in found))
    # Mostly every result is its case's only one; then no place need be remembered.
    everywhere = len(places) == len(columns)
    return Values(columns, range(len(columns)) if everywhere else places, values, binary)


def count_scored(results: Sequence[CaseResult], metrics: Sequence[str]) -> int:
    """How many cases have a value by every metric."""
    if isinstance(results, (Columns, Part)):
        columns = results.columns
        return sum(
            all(any(isinstance(columns.score(metric, place), Scored) for place in places) for metric in metrics)
            for places in (list(repeats) for _, repeats in groupby(results.places, key=columns.first))
        )
    scored: dict[str, set[str]] = {}
    for result in results:
        named = {name for name, score in result.scores.items() if isinstance(score, Scored)}
        scored.setdefault(result.case_id, set()).update(named)
    return sum(named.issuperset(metrics) for named in scored.values())


def observed(rows: Sequence[CaseValue], values: Iterable[float] | None = None) -> Sequence[Observation]:
    """What statistics see of the values, or of others that stand in their place."""
    held = held_by(rows) if values is None else values
    if isinstance(rows, Values):
        return Observed(held if isinstance(held, array) else array("d", held), rows.clusters, rows.names)
    return [Observation(value, row.cluster) for value, row in zip(held, rows, strict=True)]


def held_by(rows: Sequence[CaseValue]) -> Sequence[float]:
    """The bare values."""
    return rows.held if isinstance(rows, Values) else [row.value for row in rows]


def ids_of(rows: Sequence[CaseValue]) -> Iterator[str]:
    """Whose the values are."""
    return rows.ids if isinstance(rows, Values) else (row.case_id for row in rows)


def all_binary(rows: Sequence[CaseValue]) -> bool:
    """Whether every repeat of every case scored 0 or 1."""
    return rows.binary if isinstance(rows, Values) else all(row.binary for row in rows)


def observed_with(rows: Values, further: Sequence[float]) -> Sequence[Observation]:
    """The values, and after them further ones, each in a cluster of its own."""
    if not further:
        return observed(rows)
    clusters = rows.clusters
    for number in range(len(further)):
        clusters.append(len(rows.names) + number)
    values = rows.held[:]
    values.extend(further)
    return Observed(values, clusters, rows.names.more(len(further)))


def taken(rows: Sequence[CaseValue], numbers: Sequence[int]) -> Sequence[CaseValue]:
    """Some of the values, by where they stand, in their order."""
    if len(numbers) == len(rows):
        return rows
    return rows.at(numbers) if isinstance(rows, Values) else [rows[number] for number in numbers]


def groups_of(results: Sequence[CaseResult], axis: str) -> list[str]:
    """The groups of an axis, in the order of their names."""
    if isinstance(results, (Columns, Part)):
        columns = results.columns
        return sorted({slices[axis] for place in results.places if axis in (slices := columns.slices(place))})
    return sorted({result.slices[axis] for result in results if axis in result.slices})


def group_of(results: Sequence[CaseResult], axis: str, group: str) -> Sequence[CaseResult]:
    """The results of one group."""
    if isinstance(results, (Columns, Part)):
        columns = results.columns
        return results.part(place for place in results.places if columns.slices(place).get(axis) == group)
    return [result for result in results if result.slices.get(axis) == group]


def count_cases(results: Sequence[CaseResult]) -> int:
    """How many cases the results are of."""
    if not isinstance(results, (Columns, Part)):
        return len({result.case_id for result in results})
    return sum(1 for _ in groupby(results.places, key=results.columns.first))
