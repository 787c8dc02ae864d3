"""A context taken apart once, so that every sentence of every answer to it is cheap to judge."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from sekisho.evaluation.grounding.context import Material
from sekisho.evaluation.grounding.terms import Token, negations_cjk, sentences, tokens

WINDOW: Final = 3
"""Neighbouring sentences that an answer's sentence is laid beside at once."""
NEAR: Final = 6
"""Tokens to either side that count as a number's or a name's company."""
_MOST_PLACES: Final = 50


class Source:
    """What stands in the context, by sentence, by word and by neighbourhood."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.spans = sentences(material.text)
        self.sentences = [tokens(material.text[start:end], start) for start, end in self.spans]
        self.tokens = [token for sentence in self.sentences for token in sentence]
        self.keys = [token.key for token in self.tokens]
        self.known = set(self.keys)
        self.bags = [Counter(token.key for token in sentence if token.content) for sentence in self.sentences]
        self.postings: dict[str, set[int]] = defaultdict(set)
        for index, bag in enumerate(self.bags):
            for key in bag:
                self.postings[key].add(index)
        self._whole = math.log(1 + max(1, len(self.bags)))
        self.grams = {n: set(ngrams(self.keys, n)) for n in (2, 3, 4)}
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, key in enumerate(self.keys):
            if len(self._places[key]) < _MOST_PLACES:
                self._places[key].append(place)
        self._companies: dict[str, list[frozenset[str]]] = {}
        self._denied: dict[str, float] = {}
        self._windows: dict[int, Counter[str]] = {}
        self.negated = [
            any(token.negation for token in sentence) or negations_cjk(material.text[start:end]) > 0
            for sentence, (start, end) in zip(self.sentences, self.spans, strict=True)
        ]

    def weight(self, key: str) -> float:
        """Rarity of a term among the context's sentences; what stands nowhere weighs most."""
        held = self.postings.get(key)
        return math.log(1 + len(self.bags) / len(held)) if held else self._whole

    def best_windows(self, keys: Iterable[str]) -> list[tuple[float, int]]:
        """(weight held, first sentence) of the windows that hold most of the keys, best first, at most five."""
        score: dict[int, float] = defaultdict(float)
        for key in sorted(set(keys)):
            starts = {s for held in self.postings.get(key, ()) for s in range(max(0, held - WINDOW + 1), held + 1)}
            for start in starts:
                score[start] += self.weight(key)
        return [(value, start) for start, value in sorted(score.items(), key=lambda item: (-item[1], item[0]))[:5]]

    def window(self, start: int) -> Counter[str]:
        if start not in self._windows:
            self._windows[start] = sum(self.bags[start : start + WINDOW], Counter())
        return self._windows[start]

    def company(self, key: str) -> list[frozenset[str]]:
        """For each place where the term stands: the content terms near it."""
        if key not in self._companies:
            self._companies[key] = [
                frozenset(
                    t.key for t in self.tokens[max(0, place - NEAR) : place + NEAR + 1] if t.content and t.key != key
                )
                for place in self._places.get(key, ())
            ]
        return self._companies[key]

    def denied(self, key: str) -> float:
        """Share of the term's places that stand within four tokens after a negation."""
        if key not in self._denied:
            places = self._places.get(key, ())
            under = sum(any(t.negation for t in self.tokens[max(0, place - 4) : place]) for place in places)
            self._denied[key] = under / len(places) if places else 0.0
        return self._denied[key]

    def copied(self, keys: Sequence[str]) -> int:
        """Length of the longest run of the keys that stands in the context in that order."""
        best = 0
        for i, key in enumerate(keys):
            if len(keys) - i <= best:
                break
            for place in self._places.get(key, ()):
                length = 1
                while (
                    i + length < len(keys)
                    and place + length < len(self.keys)
                    and self.keys[place + length] == keys[i + length]
                ):
                    length += 1
                best = max(best, length)
        return best


def ngrams(keys: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*(islice(keys, i, None) for i in range(n)), strict=False)


def neighbours(found: Sequence[Token], place: int, reach: int = NEAR) -> frozenset[str]:
    key = found[place].key
    return frozenset(t.key for t in found[max(0, place - reach) : place + reach + 1] if t.content and t.key != key)
