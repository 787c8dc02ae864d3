"""sentence-transformers models from folders on this machine: no download, no code of the model's own, CPU, float32.

Operators map names to folders in the settings. A digest over everything that decides the vectors stands in each index.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference.types import AvailableModel
from sekisho.kernel.digests import PREFIX, digest_of
from sekisho.kernel.errors import ExtraMissing, ModelFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOCAL_PREFIX: Final = "local:"
BATCH: Final = 32
_DECIDING: Final = frozenset({".json", ".txt", ".safetensors", ".model", ".spm", ".bpe", ".tiktoken"})
_OTHER_FORMS: Final = frozenset({"onnx", "openvino", ".git", ".cache"})
_UNLIMITED: Final = 1_000_000


@lru_cache(maxsize=32)
def folder_digest(folder: Path) -> str:
    """Over the sha256 of every file that may decide what the model gives: weights, architecture, tokenizer, prompts.

    Not the model card, nor the same weights in other forms. Raises `ModelFailed` where there are no safetensors:
    weights as pickles would run code.
    """
    if not folder.is_dir():
        raise ModelFailed(f"there is no folder {folder}", remedy="mend the model's folder in the settings")
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _DECIDING and not _OTHER_FORMS & set(path.relative_to(folder).parts)
    }
    if not any(name.endswith(".safetensors") for name in files):
        raise ModelFailed(
            f"the folder {folder} holds no weights as safetensors",
            remedy="save the model with sentence-transformers' save_pretrained, which writes safetensors",
        )
    return digest_of({"files": files})


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return PREFIX + hashlib.file_digest(file, "sha256").hexdigest()


def available_in(folders: Mapping[str, Path], family: str) -> tuple[AvailableModel, ...]:
    """The models of the settings that are there, by the names that recipes call them."""
    found = []
    for name, folder in folders.items():
        try:
            digest = folder_digest(folder)
        except (ModelFailed, OSError):
            continue
        size = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
        found.append(AvailableModel(f"{LOCAL_PREFIX}{name}", digest, "builtin", "builtin", family, size))
    return tuple(found)


class SentenceModel:
    """An `Embedder`. Loads at once (seconds, and torch): build it in a thread, keep it. Any thread may use it.

    Texts and questions get the prompts that the model's own configuration names ``document`` (or ``passage``) and
    ``query``. Raises `ModelFailed`, `ExtraMissing`.
    """

    def __init__(self, name: str, folder: Path, digest: str, max_tokens: int | None = None) -> None:
        self.name, self.digest = name, digest
        # The tokenizer refuses two threads at once. Held per batch, so that a search waits for one batch of a build.
        self._turn = threading.Lock()
        self._model = _loaded(folder)
        self.max_tokens = self._limited(max_tokens)
        prompts = self._model.prompts or {}
        self._prompt = str(prompts.get("document") or prompts.get("passage") or "")
        self._query_prompt = str(prompts.get("query") or "")
        self.dimension = int(self._model.get_embedding_dimension() or 0)

    def count_tokens(self, text: str) -> int:
        return len(self._tokens([self._prompt + text])[0])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoded(texts, self._prompt)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoded(texts, self._query_prompt)

    def _encoded(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        import numpy as np

        rows = np.empty((len(texts), self.dimension), np.float32)
        if not texts:
            return rows
        # Texts of like length share a batch, so that next to nothing is spent on padding.
        lengths = [len(tokens) for tokens in self._tokens(texts)]
        order = sorted(range(len(texts)), key=lambda i: (-lengths[i], i))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            with self._turn:
                rows[batch] = self._model.encode(
                    [texts[i] for i in batch],
                    prompt=prompt,
                    batch_size=BATCH,
                    normalize_embeddings=True,
                    convert_to_numpy=True,
                    show_progress_bar=False,
                )
        return rows

    def _limited(self, max_tokens: int | None) -> int:
        limit = max_tokens or self._model.max_seq_length
        if not limit or limit > _UNLIMITED:
            raise ModelFailed(
                f"the model {self.name} does not say how many tokens it reads",
                remedy="set max_seq_length in its sentence_bert_config.json",
            )
        self._model.max_seq_length = int(limit)
        return int(limit)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        with self._turn:
            tokens: list[list[int]] = self._model.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]
        return tokens


class CrossModel:
    """A `Reranker`: a cross-encoder reads question and text together. Loads at once, as `SentenceModel` does."""

    def __init__(self, name: str, folder: Path, digest: str) -> None:
        self.name, self.digest = name, digest
        self._turn = threading.Lock()
        self._model = _loaded(folder, cross=True)

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        with self._turn:
            pairs = [(query, text) for text in texts]
            return [float(score) for score in self._model.predict(pairs, batch_size=BATCH, show_progress_bar=False)]


def _loaded(folder: Path, cross: bool = False) -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from sentence_transformers import CrossEncoder, SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise ExtraMissing(
            f"embedding needs the package {error.name}", remedy='run `pip install "sekisho[worker]"`'
        ) from error
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    kind = CrossEncoder if cross else SentenceTransformer
    try:
        return kind(str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True})
    except (OSError, ValueError, KeyError) as error:
        raise ModelFailed(
            f"the model in {folder} cannot be loaded: {error}",
            remedy="it must be a folder of sentence-transformers that needs no code of its own",
        ) from error
