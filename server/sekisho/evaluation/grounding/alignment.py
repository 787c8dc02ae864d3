"""Word by word: how near each word of a sentence is to some word of the context, in MiniLM's word vectors.

What a plain overlap of words misses, synonyms and other forms, stands near; what was invented stands far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sekisho.evaluation.grounding.source import Source
from sekisho.evaluation.grounding.terms import Token
from sekisho.evaluation.grounding.vectors import WordVectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

NEAR_ENOUGH: Final = 0.6
NAMES: Final = (
    *("align_mean", "align_weighted", "align_least", "align_low", "align_far"),
    *("align_novel", "align_novel_least", "align_apart"),
    *("rare_cover", "novel_rare", "novel_common", "novel_rarity", "novel_rarest"),
)
_NOTHING: Final = dict.fromkeys(NAMES, 1.0) | dict.fromkeys(
    ("align_far", "align_apart", "novel_rare", "novel_common", "novel_rarity", "novel_rarest"), 0.0
)
RARE: Final = 8.5
COMMON: Final = 8.0
"""Logarithms of a rank in English: beyond the 5,000th, and within the 3,000 most frequent words."""
_MOST_WORDS: Final = 20_000


class Alignment:
    """The distinct content words of a context as vectors, once for all sentences."""

    def __init__(self, source: Source, vectors: WordVectors) -> None:
        self._source = source
        self._vectors = vectors
        words = {t.key: source.material.text[t.start : t.end].lower() for t in source.tokens if t.content}
        self._keys = sorted(words)[:_MOST_WORDS]
        self._rows = vectors.of([words[key] for key in self._keys])

    def features(self, found: Sequence[Token], text: str, offset: int, asked: frozenset[str]) -> dict[str, float]:
        """`text` is the sentence, `offset` where it starts in the answer, `asked` the question's terms."""
        import numpy as np

        mine = [token for token in found if token.content]
        if not mine or not self._keys:
            return dict(_NOTHING)
        words = [text[t.start - offset : t.end - offset].lower() for t in mine]
        sims = self._vectors.of(words) @ self._rows.T
        known = np.array([t.key in self._source.known for t in mine], bool)
        best = np.where(known, 1.0, sims.max(axis=1))
        weights = np.array([self._source.weight(t.key) for t in mine])
        novel = best[~known]
        return {
            "align_mean": float(best.mean()),
            "align_weighted": float((best * weights).sum() / weights.sum()),
            "align_least": float(best.min()),
            "align_low": float(np.sort(best)[: max(1, len(best) // 4)].mean()),
            "align_far": float((best < NEAR_ENOUGH).sum()),
            "align_novel": float(novel.mean()) if len(novel) else 1.0,
            "align_novel_least": float(novel.min()) if len(novel) else 1.0,
            "align_apart": self._apart(sims.argmax(axis=1), sims.max(axis=1)),
            **self._rarities(mine, words, asked),
        }

    def _rarities(self, mine: Sequence[Token], words: list[str], asked: frozenset[str]) -> dict[str, float]:
        """New words weighed by how rare they are in English: a new common word is a claim, a new rare one a topic."""
        rarity = {t.key: value for t, value in zip(mine, self._vectors.rarity(words), strict=True)}
        novel = [v for key, v in rarity.items() if key not in self._source.known and key not in asked]
        return {
            "rare_cover": 1 - math.fsum(novel) / math.fsum(rarity.values()),
            "novel_rare": float(sum(value > RARE for value in novel)),
            "novel_common": float(sum(value <= COMMON for value in novel)),
            "novel_rarity": math.fsum(novel),
            "novel_rarest": max(novel, default=0.0),
        }

    def _apart(self, nearest: Sequence[int], closeness: Sequence[float]) -> float:
        """Neighbouring words whose nearest words in the context share no sentence there: a relation put together."""
        keys = [self._keys[i] for i, close in zip(nearest, closeness, strict=True) if close >= NEAR_ENOUGH]
        postings = self._source.postings
        pairs = [(a, b) for a, b in pairwise(keys) if a != b]
        return sum(not postings[a] & postings[b] for a, b in pairs) / len(pairs) if pairs else 0.0
