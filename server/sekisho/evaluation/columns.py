"""Every result of a run in a few dozen bytes each: what a summary reads, without questions and outputs. Pure.

A hundred thousand results as objects take hundreds of megabytes; as columns they take a handful.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, overload

from sekisho.evaluation.types import CaseResult, Score, Scored, Unscored, score_of

_NONE: Final = 0xFFFFFFFF
_OWN: Final = 0xFFFFFFFE
"""A case that is its own cluster, which is what most cases without a document are."""


class Texts:
    """Many short texts end to end."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I")

    def append(self, text: str) -> None:
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))

    def __getitem__(self, place: int) -> str:
        return self._bytes[self._ends[place - 1] if place else 0 : self._ends[place]].decode()


class Pool:
    """Texts that recur, each once, by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        found = self._numbers.setdefault(text, len(self.texts))
        if found == len(self.texts):
            self.texts.append(text)
        return found


class Metric:
    """One metric's scores: a value, or NaN and the number of the reason why there is none."""

    def __init__(self, absent: int) -> None:
        self.values = array("d", [math.nan]) * absent
        self.reasons = array("I", [_NONE]) * absent


class Columns(Sequence[CaseResult]):
    """Results in the order they were appended. What is read back has an empty question, and no output."""

    def __init__(self) -> None:
        self._ids, self._pairs = Texts(), Texts()
        self._repeats = array("H")
        self._clusters, self._slices, self._reasons = Pool(), Pool(), Pool()
        self._cluster, self._slice = array("I"), array("I")
        self._parsed: list[Mapping[str, str]] = []
        self._latency, self._failed, self._control = array("i"), bytearray(), bytearray()
        self.metrics: dict[str, Metric] = {}

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
        self._ids.append(case_id)
        self._pairs.append(pair or "")
        self._repeats.append(repeat)
        self._cluster.append(_OWN if cluster == f"case:{case_id}" else self._clusters.number(cluster))
        self._slice.append(self._slices.number(slices))
        if len(self._slices.texts) > len(self._parsed):
            self._parsed.append(json.loads(slices))
        self._latency.append(-1 if latency_ms is None else min(latency_ms, 2**31 - 1))
        self._failed.append(failed)
        self._control.append(control)
        self._score(scores)

    def _score(self, scores: Mapping[str, Score]) -> None:
        for name in scores.keys() - self.metrics.keys():
            self.metrics[name] = Metric(len(self) - 1)
        for name, column in self.metrics.items():
            score = scores.get(name)
            column.values.append(score.value if isinstance(score, Scored) else math.nan)
            column.reasons.append(self._reasons.number(score.reason) if isinstance(score, Unscored) else _NONE)

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

    def case_id(self, place: int) -> str:
        return self._ids[place]

    def cluster(self, place: int) -> str:
        number = self._cluster[place]
        return f"case:{self._ids[place]}" if number == _OWN else self._clusters.texts[number]

    def pair(self, place: int) -> str | None:
        return self._pairs[place] or None

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
            latency_ms=None if latency < 0 else latency,
            at=0,
            failed=bool(self._failed[place]),
        )

    def score(self, metric: str, place: int) -> Score | None:
        """One result's score; None where it was not measured by this metric."""
        column = self.metrics.get(metric)
        if column is None:
            return None
        if column.reasons[place] != _NONE:
            return Unscored(self._reasons.texts[column.reasons[place]])
        value = column.values[place]
        return None if math.isnan(value) else Scored(value)


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


def measured_results(results: Sequence[CaseResult]) -> Sequence[CaseResult]:
    """The results that measure the subject: all but those of control cases."""
    if isinstance(results, (Columns, Part)):
        return results.part(place for place in results.places if not results.columns.is_control(place))
    return [result for result in results if not result.is_control]


def scores_of(text: str) -> dict[str, Score]:
    """Scores from their stored JSON text."""
    stored: Mapping[str, Mapping[str, Any]] = json.loads(text)
    return {name: score_of(value) for name, value in stored.items()}
