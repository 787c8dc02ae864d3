"""Word vectors: the input embeddings of all-MiniLM-L6-v2, read from its file. No torch, no forward pass.

They know that "purchase" is near "buy"; they know no sentence. The contextual layers were tried and gave nothing
that an interval could tell from chance (see the model card), at a hundred times the cost.
"""

from __future__ import annotations

import math
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference.minilm import digest, model_folder
from sekisho.kernel.errors import ExtraMissing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_TABLE: Final = "embeddings.word_embeddings.weight"
_FIRST: Final = 1_900
RAREST: Final = 10.5
_LONGEST: Final = 100
_MOST_WORDS: Final = 50_000


class WordVectors:
    """Unit vector per word: the mean of its pieces' embeddings. Any thread may use it."""

    def __init__(self) -> None:
        folder = model_folder()
        try:
            import numpy as np  # noqa: F401  # what safetensors gives its tensors as
            from safetensors import safe_open
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ExtraMissing(
                f"the scorer `grounding` needs the package {error.name}", remedy='run `pip install "sekisho[worker]"`'
            ) from error
        self.digest = digest()
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        with safe_open(str(folder / "model.safetensors"), framework="numpy") as weights:
            self._table: Vectors = weights.get_tensor(_TABLE)
        self._turn = threading.Lock()
        self._known: dict[str, Vectors] = {}
        self._rarity: dict[str, float] = {}

    def of(self, words: list[str]) -> Vectors:
        """A row per word."""
        import numpy as np

        missing = sorted(set(words) - self._known.keys())
        with self._turn:
            if len(self._known) + len(missing) > _MOST_WORDS:
                self._known, self._rarity = {}, {}
                missing = sorted(set(words))
            pieces = self._tokenizer.encode_batch([word[:_LONGEST] for word in missing], add_special_tokens=False)
            for word, piece in zip(missing, pieces, strict=True):
                self._known[word] = _unit(self._table[piece.ids].mean(axis=0)) if piece.ids else self._zero()
                self._rarity[word] = _rarity(piece.ids)
            return (
                np.stack([self._known[word] for word in words])
                if words
                else np.zeros((0, self._table.shape[1]), np.float32)
            )

    def rarity(self, words: list[str]) -> list[float]:
        """How rare each word is in English at large: the logarithm of its rank in the vocabulary."""
        self.of(words)
        with self._turn:
            return [self._rarity.get(word, RAREST) for word in words]

    def _zero(self) -> Vectors:
        import numpy as np

        return np.zeros(self._table.shape[1], np.float32)


def _rarity(pieces: list[int]) -> float:
    """MiniLM's vocabulary is ordered by frequency after `_FIRST` special places; a word of several pieces is rare."""
    return math.log(max(2, pieces[0] - _FIRST)) if len(pieces) == 1 else RAREST


def _unit(row: Vectors) -> Vectors:
    import numpy as np

    unit: Vectors = (row / max(float(np.linalg.norm(row)), 1e-6)).astype(np.float32)
    return unit


@lru_cache(maxsize=1)
def word_vectors() -> WordVectors:
    """The one table of this process. Raises `ExtraMissing` where the model is not installed."""
    return WordVectors()
