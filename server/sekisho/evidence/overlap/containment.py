"""Finding texts that stand in other texts nearly word for word. Pure.

A text is a sequence of units: words, or single characters where a script writes no spaces. It stands in another where
at least four of five of its n-grams do. This is the *containment* of Broder (On the resemblance and containment of
documents, 1997), over n-grams as in the checks for contaminated benchmarks.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sekisho.kernel.digests import digest_of

CONTAINED_BP: Final = 8_000
"""Share of a text's n-grams that must be found for it to be found, in basis points."""
_WORDS, _CHARACTERS = 5, 12
_FEWEST_WORDS, _FEWEST_CHARACTERS = 4, 8
_SINGLE: Final = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_UNIT: Final = re.compile(rf"[{_SINGLE}]|[^\W_{_SINGLE}]+")

METHOD: Final = digest_of(
    {
        "schema": "sekisho.overlap/v1",
        "contained_bp": CONTAINED_BP,
        "words": [_WORDS, _FEWEST_WORDS],
        "characters": [_CHARACTERS, _FEWEST_CHARACTERS],
    }
)
"""Digest of how it is done: another method's findings are not these."""

Gram = tuple[str, ...]


def units(text: str) -> tuple[str, ...]:
    """Words in lower case without punctuation; kana, kanji and hangul one by one."""
    return tuple(_UNIT.findall(unicodedata.normalize("NFKC", text).casefold()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text that is looked for: its n-grams, all of one length."""

    grams: frozenset[Gram]
    length: int


def wanted(text: str) -> Wanted | None:
    """What to look for; None for a text that is too short to be anybody's own, such as *What is this?*."""
    found = units(text)
    single = sum(len(unit) == 1 and _is_single(unit) for unit in found)
    longest, fewest = (_CHARACTERS, _FEWEST_CHARACTERS) if 2 * single > len(found) else (_WORDS, _FEWEST_WORDS)
    if len(found) < fewest:
        return None
    length = min(longest, len(found))
    return Wanted(frozenset(_grams(found, length)), length)


@dataclass
class Search:
    """Looks for several texts at once; give it the texts they may stand in, one by one."""

    texts: Mapping[str, Wanted]
    found: set[str] = field(default_factory=set)
    """Names of the texts that were found."""
    _holders: dict[Gram, list[str]] = field(init=False, repr=False)
    _lengths: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._holders = {}
        for name, text in self.texts.items():
            for gram in text.grams:
                self._holders.setdefault(gram, []).append(name)
        self._lengths = tuple(sorted({text.length for text in self.texts.values()}))

    def look_in(self, place: str) -> None:
        """Each place for itself: a text scattered over several stands in none."""
        there = units(place)
        hits: Counter[str] = Counter()
        for length in self._lengths:
            for gram in self._holders.keys() & set(_grams(there, length)):
                hits.update(self._holders[gram])
        self.found |= {name for name, count in hits.items() if self._contained(name, count)}

    def look_in_all(self, places: Iterable[str]) -> None:
        for place in places:
            self.look_in(place)

    def _contained(self, name: str, count: int) -> bool:
        return count * 10_000 >= CONTAINED_BP * len(self.texts[name].grams)


def _grams(found: Sequence[str], length: int) -> Iterator[Gram]:
    return (tuple(found[start : start + length]) for start in range(len(found) - length + 1))


def _is_single(unit: str) -> bool:
    return re.fullmatch(f"[{_SINGLE}]", unit) is not None
