"""A small embedder that is real arithmetic: hashed words, no model, the same bits everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sekisho.inference.text import terms
from sekisho.kernel.digests import digest_of


@dataclass
class HashedWords:
    """Each term adds one to a place that its hash names. `batches` are the sizes of what it was asked to embed."""

    name: str = "minilm"
    dimension: int = 64
    max_tokens: int = 256
    batches: list[int] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return digest_of({"hashed": self.dimension})

    def count_tokens(self, text: str) -> int:
        return len(terms(text)) + 2

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.batches.append(len(texts))
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0] = 0.1
            for term in terms(text):
                row[int.from_bytes(hashlib.sha256(term.encode()).digest()[:4], "big") % self.dimension] += 1
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.embed(texts)
