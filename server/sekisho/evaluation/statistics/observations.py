"""What the intervals are made from: values, each with the cluster that it came from."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, overload

from sekisho.evaluation.mapped import Mapped

ALPHA: Final = 0.05
"""Two-sided: intervals hold the truth 95 times in 100, and each end is missed at most 2.5 times."""
_NAMED: Final = 1_000
"""Up to so many clusters stand in the order of their names. More are never drawn, and exact sums need no order."""

Sums = Sequence[tuple[float, int]]
"""Per cluster the sum of its values and how many there are."""


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Observation:
    """One value, and the cluster that it came from."""

    value: float
    cluster: str


class Observed(Sequence[Observation]):
    """Observations in a dozen bytes each. `clusters` are numbers of `names`; of one `names`, equal ones are one."""

    def __init__(self, values: array[float], clusters: Sequence[int], names: Sequence[str]) -> None:
        self.values = values
        self.clusters = clusters
        self.names = names

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, place: int) -> Observation: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Observation]: ...

    def __getitem__(self, place: int | slice) -> Observation | Sequence[Observation]:
        if isinstance(place, slice):
            return Observed(self.values[place], self.clusters[place], self.names)
        return Observation(self.values[place], self.names[self.clusters[place]])

    def __iter__(self) -> Iterator[Observation]:
        return map(self.__getitem__, range(len(self)))


class Grouped:
    """The values of each cluster, by its number: end to end, and where each number's end."""

    def __init__(self, observed: Observed) -> None:
        # Mostly there are far fewer clusters than names, and those that cases share come first.
        self.reach = max(observed.clusters, default=-1) + 1
        counts = array("I", bytes(4 * (self.reach + 1)))
        for number in observed.clusters:
            counts[number + 1] += 1
        self._starts = array("I", accumulate(counts))
        self._values = array("d", bytes(8 * len(observed)))
        # What was counted becomes the place of each cluster's next value.
        following = array("I", self._starts)
        for number, value in zip(observed.clusters, observed.values, strict=True):
            self._values[following[number]] = value
            following[number] += 1

    def of(self, number: int) -> list[float]:
        return sorted(self._values[self._starts[number] : self._starts[number + 1]]) if number < self.reach else []

    def count(self, number: int) -> int:
        return self._starts[number + 1] - self._starts[number] if number < self.reach else 0


def values_of(observations: Sequence[Observation]) -> Sequence[float]:
    return observations.values if isinstance(observations, Observed) else [o.value for o in observations]


def changed(observations: Sequence[Observation], change: Callable[[float], float]) -> Sequence[Observation]:
    """The same observations, each value changed."""
    if isinstance(observations, Observed):
        return Observed(array("d", map(change, observations.values)), observations.clusters, observations.names)
    return Mapped(observations, lambda o: Observation(change(o.value), o.cluster))


def count_clusters(observations: Sequence[Observation]) -> int:
    if isinstance(observations, Observed):
        met = bytearray(max(observations.clusters, default=-1) + 1)
        for number in observations.clusters:
            met[number] = 1
        return sum(met)
    return len({observation.cluster for observation in observations})


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; exact summation, so that the order of rows cannot change it."""
    return math.fsum(values) / len(values)


def by_cluster(observations: Sequence[Observation]) -> Sequence[Sequence[float]]:
    """Values per cluster, clusters in the order of their names: seeded draws must not depend on row order."""
    if isinstance(observations, Observed):
        groups = Grouped(observations)
        return Mapped(_present([groups], observations.names), groups.of)
    grouped: dict[str, list[float]] = {}
    for observation in observations:
        grouped.setdefault(observation.cluster, []).append(observation.value)
    return [sorted(grouped[name]) for name in sorted(grouped)]


def sums_of(*groups: Sequence[Observation]) -> list[Sums]:
    """Each group's sums over the clusters of all, in the same order."""
    if numbered := _of_one(groups):
        held = [Grouped(group) for group in numbered]
        present = _present(held, numbered[0].names)
        return [Mapped(present, _summing(one)) for one in held]
    names = sorted({o.cluster for group in groups for o in group})
    return [_named_sums(group, names) for group in groups]


def level(values: Sequence[float]) -> bool:
    """Whether all are equal, so that there is no spread to learn from."""
    return min(values) == max(values)


def _of_one(groups: Sequence[Sequence[Observation]]) -> list[Observed]:
    """The groups, where all of them number their clusters alike; else nothing."""
    found = [group for group in groups if isinstance(group, Observed)]
    return found if len(found) == len(groups) and all(one.names == found[0].names for one in found) else []


def _present(groups: Sequence[Grouped], names: Sequence[str]) -> array[int]:
    reach = max(one.reach for one in groups)
    found = array("I", (number for number in range(reach) if any(one.count(number) for one in groups)))
    return array("I", sorted(found, key=names.__getitem__)) if len(found) <= _NAMED else found


def _summing(groups: Grouped) -> Callable[[int], tuple[float, int]]:
    return lambda number: (math.fsum(groups.of(number)), groups.count(number))


def _named_sums(observations: Sequence[Observation], names: Sequence[str]) -> Sums:
    grouped: dict[str, list[float]] = {name: [] for name in names}
    for observation in observations:
        grouped[observation.cluster].append(observation.value)
    return [(math.fsum(sorted(values)), len(values)) for values in grouped.values()]
