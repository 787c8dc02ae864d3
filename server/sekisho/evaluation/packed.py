"""Many small values in as few bytes as they need: numbers, texts, scores. Pure."""

from __future__ import annotations

import json
import math
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, overload

from sekisho.evaluation.types import Score, Scored, Unscored

_CODES: Final = 0xFF
_BLOCK: Final = 256
_WIDTHS: Final = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFFFFFF, "Q": 2**64 - 1}


class Numbers(Sequence[int]):
    """Whole numbers from 0 on, each in as many bytes as the greatest so far needs."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._held = array("B")
        self._most = _WIDTHS["B"]
        self.extend(numbers)

    def extend(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.append(number)

    def append(self, number: int) -> None:
        if number > self._most:
            code, self._most = next((code, most) for code, most in _WIDTHS.items() if number <= most)
            self._held = array(code, self._held)
        self._held.append(number)

    def __len__(self) -> int:
        return len(self._held)

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...

    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        return self._held[place]

    def __iter__(self) -> Iterator[int]:
        return iter(self._held)


class Texts:
    """Many short texts, packed by blocks, to be read one after another: ids that are numbered shrink to a fifth."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._open: list[str] = []
        self._looked_at: tuple[int, list[str]] = (-1, [])

    def append(self, text: str) -> None:
        self._open.append(text)
        if len(self._open) == _BLOCK:
            self._blocks.append(zlib.compress(json.dumps(self._open).encode(), 1))
            self._open = []

    def __getitem__(self, place: int) -> str:
        number, within = divmod(place, _BLOCK)
        if number == len(self._blocks):
            return self._open[within]
        if self._looked_at[0] != number:
            self._looked_at = number, json.loads(zlib.decompress(self._blocks[number]))
        return self._looked_at[1][within]


class Sparse:
    """Texts that are mostly absent: nothing is kept until the first."""

    def __init__(self) -> None:
        self._texts: Texts | None = None
        self._absent = 0

    def append(self, text: str | None) -> None:
        if self._texts is None and text is None:
            self._absent += 1
            return
        if self._texts is None:
            self._texts = Texts()
        self._texts.append(text or "")

    def __getitem__(self, place: int) -> str | None:
        return (self._texts[place - self._absent] or None) if self._texts and place >= self._absent else None


class Pool:
    """Texts that recur, each once, by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def __contains__(self, text: str) -> bool:
        return text in self._numbers

    def number(self, text: str) -> int:
        """The number of the text, which is put in where it is not there."""
        found = self._numbers.setdefault(text, len(self.texts))
        if found == len(self.texts):
            self.texts.append(text)
        return found


class Scores:
    """One metric's scores by place; None where a result was not measured by it.

    While few are different, as with rates and judgements, each takes a byte; then a value takes eight.
    """

    def __init__(self, absent: int) -> None:
        self._known: list[Score | None] = [None]
        self._codes: dict[Score | None, int] = {None: 0}
        self._coded = bytearray(absent)
        self._values: array[float] | None = None
        self._reasons, self._why = Numbers(), Pool()

    def append(self, score: Score | None) -> None:
        if self._values is not None:
            self._spread(self._values, score)
            return
        code = self._codes.setdefault(score, len(self._known))
        if code == len(self._known):
            self._known.append(score)
        if code <= _CODES:
            self._coded.append(code)
        else:
            self._values = array("d")
            for known in self._coded:
                self._spread(self._values, self._known[known])
            self._spread(self._values, score)
            self._known, self._codes, self._coded = [], {}, bytearray()

    def __getitem__(self, place: int) -> Score | None:
        if self._values is None:
            return self._known[self._coded[place]]
        if reason := self._reasons[place]:
            return Unscored(self._why.texts[reason - 1])
        value = self._values[place]
        return None if math.isnan(value) else Scored(value)

    def _spread(self, values: array[float], score: Score | None) -> None:
        values.append(score.value if isinstance(score, Scored) else math.nan)
        self._reasons.append(self._why.number(score.reason) + 1 if isinstance(score, Unscored) else 0)
