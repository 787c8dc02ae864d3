"""Every result of a run in a few dozen bytes each: what a summary reads, without questions and outputs. Pure.

A hundred thousand results as objects take hundreds of megabytes; as columns they take a handful.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, overload

from sekisho.evaluation.packed import Numbers, Pool, Scores, Sparse, Texts
from sekisho.evaluation.types import CaseResult, Score, score_of

_OWN: Final = "case:"
"""What the name of a cluster begins with that is one case's own, as `cases.cluster_of` has it."""


class Columns(Sequence[CaseResult]):
    """Results in the order they were appended. What is read back has an empty question, and no output."""

    def __init__(self) -> None:
        self._ids, self._pairs = Texts(), Sparse()
        self._again, self._repeats = bytearray(), Numbers()
        self._last, self._claimed = "", False
        self._clusters, self._slices = Pool(), Pool()
        # A case that is its own cluster, as most without a document are, has 0; then come the pooled ones.
        self._cluster, self._slice, self._latency = Numbers(), Numbers(), Numbers()
        self._parsed: list[Mapping[str, str]] = []
        self._failed, self._control = bytearray(), bytearray()
        self.metrics: dict[str, Scores] = {}

    def append(
        self,
        case_id: str,
        repeat: int,
        cluster: str,
        pair: str | None,
        slices: str,
        scores: Mapping[str, Score],
        latency_ms: int | None,
        *,
        failed: bool,
        control: bool,
    ) -> None:
        """`slices` is JSON text; `control` says whether it is of a control case."""
        self._again.append(case_id == self._last and len(self._again) > 0)
        self._last = case_id
        self._ids.append(case_id)
        self._pairs.append(pair)
        self._repeats.append(repeat)
        own = cluster == _own_cluster(case_id)
        self._claimed = self._claimed or (not own and cluster.startswith(_OWN))
        self._cluster.append(0 if own else self._clusters.number(cluster) + 1)
        self._slice.append(self._slices.number(slices))
        if len(self._slices.texts) > len(self._parsed):
            self._parsed.append(json.loads(slices))
        self._latency.append(0 if latency_ms is None else latency_ms + 1)
        self._failed.append(failed)
        self._control.append(control)
        self._score(scores)

    def add(self, result: CaseResult, *, repeat: int | None = None) -> None:
        """Append a result that is at hand, as that repeat where another number is given."""
        self.append(
            result.case_id,
            result.repeat if repeat is None else repeat,
            result.cluster,
            result.pair,
            json.dumps(dict(result.slices)),
            result.scores,
            result.latency_ms,
            failed=result.failed,
            control=result.is_control,
        )

    def _score(self, scores: Mapping[str, Score]) -> None:
        for name in scores.keys() - self.metrics.keys():
            self.metrics[name] = Scores(len(self) - 1)
        for name, column in self.metrics.items():
            column.append(scores.get(name))

    @property
    def failed(self) -> int:
        """How many results had no output."""
        return sum(self._failed)

    def __len__(self) -> int:
        return len(self._repeats)

    @overload
    def __getitem__(self, place: int) -> CaseResult: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[CaseResult]: ...

    def __getitem__(self, place: int | slice) -> CaseResult | Sequence[CaseResult]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self._one(place % len(self))

    def __iter__(self) -> Iterator[CaseResult]:
        return map(self._one, range(len(self)))

    @property
    def columns(self) -> Columns:
        return self

    @property
    def places(self) -> Sequence[int]:
        return range(len(self))

    def part(self, places: Iterable[int]) -> Part:
        """Some of the results."""
        return Part(self, array("I", places))

    def is_control(self, place: int) -> bool:
        return bool(self._control[place])

    @property
    def has_controls(self) -> bool:
        return 1 in self._control

    def case_id(self, place: int) -> str:
        return self._ids[place]

    def cluster(self, place: int) -> str:
        return self.clusters[self.cluster_number(place)]

    def cluster_number(self, place: int) -> int:
        """A number of `clusters`, the same for the same cluster."""
        if number := self._cluster[place]:
            return number - 1
        own = _own_cluster(self._ids[place]) if self._claimed else ""
        return self._clusters.number(own) if own in self._clusters else len(self._clusters.texts) + self.first(place)

    @property
    def clusters(self) -> Clusters:
        """The names of all clusters, by number."""
        return Clusters(self)

    @property
    def shared_clusters(self) -> Sequence[str]:
        return self._clusters.texts

    def pair(self, place: int) -> str | None:
        return self._pairs[place]

    def slices(self, place: int) -> Mapping[str, str]:
        return self._parsed[self._slice[place]]

    def _one(self, place: int) -> CaseResult:
        latency = self._latency[place]
        return CaseResult(
            case_id=self.case_id(place),
            repeat=self._repeats[place],
            cluster=self.cluster(place),
            pair=self.pair(place),
            slices=self.slices(place),
            question="",
            scores={name: score for name in self.metrics if (score := self.score(name, place)) is not None},
            output={"control": True} if self._control[place] else {},
            latency_ms=latency - 1 if latency else None,
            at=0,
            failed=bool(self._failed[place]),
        )

    def score(self, metric: str, place: int) -> Score | None:
        """One result's score; None where it was not measured by this metric."""
        column = self.metrics.get(metric)
        return None if column is None else column[place]

    def first(self, place: int) -> int:
        """Where the first result of the same case stands, where all of a case stand together."""
        while self._again[place]:
            place -= 1
        return place


class Clusters(Sequence[str]):
    """The names of the clusters of columns: of those that several cases share, then of each result's own.

    After them as many more as somebody needs for cases that never ran.
    """

    def __init__(self, columns: Columns, more: int = 0) -> None:
        self._columns = columns
        self._more = more

    def __eq__(self, other: object) -> bool:
        """Whether equal numbers are the same cluster."""
        return isinstance(other, Clusters) and self._columns is other._columns and self._more == other._more

    def __hash__(self) -> int:
        return hash((id(self._columns), self._more))

    def __len__(self) -> int:
        return len(self._columns.shared_clusters) + len(self._columns) + self._more

    @overload
    def __getitem__(self, number: int) -> str: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[str]: ...

    def __getitem__(self, number: int | slice) -> str | Sequence[str]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        shared = self._columns.shared_clusters
        if number < len(shared):
            return shared[number]
        place = number - len(shared)
        return _own_cluster(self._columns.case_id(place)) if place < len(self._columns) else f"\0{number}"

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    def more(self, number: int) -> Clusters:
        """The same clusters, and so many more that nobody is in yet."""
        return Clusters(self._columns, number)


class Part(Sequence[CaseResult]):
    """Some results of columns, by their places, in the order of the columns."""

    def __init__(self, columns: Columns, places: array[int]) -> None:
        self.columns = columns
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, place: int) -> CaseResult: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[CaseResult]: ...

    def __getitem__(self, place: int | slice) -> CaseResult | Sequence[CaseResult]:
        if isinstance(place, slice):
            return Part(self.columns, self.places[place])
        return self.columns[self.places[place]]

    def __iter__(self) -> Iterator[CaseResult]:
        return map(self.columns.__getitem__, self.places)

    def part(self, places: Iterable[int]) -> Part:
        """Some of these results, by their places in the columns."""
        return Part(self.columns, array("I", places))


def _own_cluster(case_id: str) -> str:
    return f"{_OWN}{case_id}"


def measured_results(results: Sequence[CaseResult]) -> Sequence[CaseResult]:
    """The results that measure the subject: all but those of control cases."""
    if isinstance(results, (Columns, Part)):
        if not results.columns.has_controls:
            return results
        return results.part(place for place in results.places if not results.columns.is_control(place))
    return [result for result in results if not result.is_control]


def scores_of(text: str) -> dict[str, Score]:
    """Scores from their stored JSON text."""
    stored: Mapping[str, Mapping[str, Any]] = json.loads(text)
    return {name: score_of(value) for name, value in stored.items()}
