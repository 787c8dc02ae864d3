"""Word by word: how near each word of a sentence is to some word of the context, in MiniLM's word vectors.

What a plain overlap of words misses, synonyms and other forms, stands near; what was invented stands far.
"""

from __future__ import annotations

from collections.abc import Sequence
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
)
_NOTHING: Final = dict.fromkeys(NAMES, 1.0) | {"align_far": 0.0, "align_apart": 0.0}
_MOST_WORDS: Final = 20_000


class Alignment:
    """The distinct content words of a context as vectors, once for all sentences."""

    def __init__(self, source: Source, vectors: WordVectors) -> None:
        self._source = source
        self._vectors = vectors
        words = {t.key: source.material.text[t.start : t.end].lower() for t in source.tokens if t.content}
        self._keys = sorted(words)[:_MOST_WORDS]
        self._rows = vectors.of([words[key] for key in self._keys])

    def features(self, found: Sequence[Token], text: str, offset: int) -> dict[str, float]:
        """`text` is the sentence, `offset` where it starts in the answer."""
        import numpy as np

        mine = [token for token in found if token.content]
        if not mine or not self._keys:
            return dict(_NOTHING)
        sims = self._vectors.of([text[t.start - offset : t.end - offset].lower() for t in mine]) @ self._rows.T
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
        }

    def _apart(self, nearest: Sequence[int], closeness: Sequence[float]) -> float:
        """Neighbouring words whose nearest words in the context share no sentence there: a relation put together."""
        keys = [self._keys[i] for i, close in zip(nearest, closeness, strict=True) if close >= NEAR_ENOUGH]
        postings = self._source.postings
        pairs = [(a, b) for a, b in zip(keys, keys[1:], strict=False) if a != b]
        return sum(not postings[a] & postings[b] for a, b in pairs) / len(pairs) if pairs else 0.0
