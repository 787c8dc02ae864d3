"""What somebody does to the vector store behind Sekisho's back."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from sekisho.indexing.chroma import Chroma
from sekisho.indexing.chroma_rows import held, metadata
from sekisho.indexing.types import collection_name


def raw_collection(store: object, digest: str) -> Any:
    """Chroma's own collection of an index."""
    assert isinstance(store, Chroma)
    return store._chroma().get_collection(collection_name(digest), embedding_function=None)


def alter(collection: Any, one: str, **fields: object) -> None:
    """Change what a row says of its chunk, and leave its vector."""
    [row] = collection.get(ids=[one], include=["metadatas"])["metadatas"]
    collection.update(ids=[one], metadatas=[metadata(msgspec.structs.replace(held(row), **fields))])


def flip(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector with the lowest bit of one float flipped."""
    bits = vector.copy().view(np.uint32)
    bits[3] ^= 1
    return bits.view(np.float32)


def bend(collection: Any, one: str) -> None:
    vector = np.asarray(collection.get(ids=[one], include=["embeddings"])["embeddings"], np.float32)[0]
    collection.update(ids=[one], embeddings=[flip(vector)])


def rewrite(collection: Any, one: str) -> None:
    """Other words, of the other meaning."""
    alter(collection, one, text="Anybody may approve.")
