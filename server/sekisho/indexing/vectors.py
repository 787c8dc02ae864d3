"""The port to whatever keeps chunks and their vectors. Its methods block: call them from a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sekisho.indexing.types import Chunk, Fingerprint, chunk_hash, vector_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A chunk as the store holds it, believed in nothing: its hash is computed from what is there."""

    id: str
    document: str
    heading: str
    language: str
    text: str
    ordinal: int
    vector: NDArray[np.float32]

    @property
    def hash(self) -> str:
        return chunk_hash(self.id, self.document, self.heading, self.language, self.text)

    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.ordinal, self.id, self.hash, vector_hash(self.vector))


class VectorStore(Protocol):
    """Collections of chunks with unit vectors, compared by inner product. Every method raises `Unavailable`."""

    def create(self, name: str) -> None:
        """An empty collection, in the place of one that has this name."""
        ...

    def add(self, name: str, chunks: Sequence[tuple[int, Chunk]], vectors: NDArray[np.float32]) -> None:
        """Add chunks, each with its ordinal, and one vector each."""
        ...

    def publish(self, staging: str, name: str, vectors_root: str) -> bool:
        """Give a collection its final name, in one step; False where the name is taken."""
        ...

    def vectors_root(self, name: str) -> str | None:
        """What `publish` was told; None where there is no such collection."""
        ...

    def count(self, name: str) -> int | None:
        """None where there is no such collection."""
        ...

    def scan(self, name: str) -> Iterator[Stored]:
        """Everything the collection holds, in no order. Nothing where there is no such collection."""
        ...

    def some(self, name: str, ids: Sequence[str]) -> Mapping[str, Stored]:
        """Those of the ids that the collection holds."""
        ...

    def documents(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Path and language of each chunk's document, by the chunk's id. Nothing where there is no such collection."""
        ...

    def nearest(self, name: str, vector: NDArray[np.float32], k: int) -> list[tuple[str, float]]:
        """At most k ids with the inner product of their vector and this one, in no order."""
        ...

    def nearest_whole(self, name: str, vector: NDArray[np.float32], k: int) -> list[tuple[Stored, float]]:
        """As `nearest`, with all that the collection holds of each: one question where two would be asked."""
        ...

    def delete(self, name: str) -> None:
        """Nothing happens where there is no such collection."""
        ...

    def names(self) -> list[str]: ...

    def scrub(self) -> None:
        """See that the bytes of what was deleted are gone from the disk too, where the disk is ours."""
        ...

    def close(self) -> None:
        """Let go of files and connections; a later use opens them again."""
        ...
