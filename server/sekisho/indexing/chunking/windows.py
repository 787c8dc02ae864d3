"""Windows of a fixed number of tokens, each beginning with the last tokens of the one before it.

They begin and end between words; where a script has no spaces, between characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from sekisho.indexing.chunking.packing import Fits, cut_words, most_that_fits
from sekisho.inference.text import Span

_CJK: Final = "぀-ヿㇰ-ㇿ㐀-䶿一-鿿豈-﫿々〆ー、。「」『』（）！？・"
_UNIT: Final = re.compile(rf"[{_CJK}]|[^\s{_CJK}]+")


def windows(fits: Fits, block: Span, overlap: int) -> Iterator[Span]:
    """Each as long as fits; the next begins at most `overlap` tokens back, and at least one word on."""
    units = [part for mark in _UNIT.finditer(fits.text, *block) for part in _small(fits, mark.span())]
    first = 0
    while first < len(units):
        after = first + max(1, _as_many(fits, units, first))
        yield units[first][0], units[after - 1][1]
        if after == len(units):
            return
        first = after - _again(fits, units, first, after, overlap)


def _small(fits: Fits, unit: Span) -> list[Span]:
    """A long word may be over the limit by itself, and is then cut between characters."""
    return [unit] if unit[1] - unit[0] < fits.max_tokens or fits(*unit) else cut_words(fits, *unit)


def _as_many(fits: Fits, units: Sequence[Span], first: int) -> int:
    """How many units fit into the window that begins with the first."""
    rest, about = len(units) - first, 2 * fits.max_tokens
    return most_that_fits(rest + 1, lambda n: fits(units[first][0], units[first + n - 1][1]), about)


def _again(fits: Fits, units: Sequence[Span], first: int, after: int, overlap: int) -> int:
    """How many units the next window repeats: what fits into the overlap, and leaves room for something new."""

    def fit(n: int) -> bool:
        start = units[after - n][0]
        return fits.tokens(start, units[after - 1][1]) <= overlap and fits(start, units[after][1])

    return most_that_fits(after - first, fit, overlap) if overlap else 0
