"""An index in a scratch place, for looking at retrieval without a server: the same store, terms and fusion.

Nothing is registered and nothing outlives the folder. Documents are one chunk each unless they are to be cut; of a text
that is longer than the embedder reads, the embedder reads the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sekisho.indexing.chroma import Chroma
from sekisho.indexing.chunking import chunks_of
from sekisho.indexing.retrieval import OpenIndex, QueryVectors
from sekisho.indexing.terms import ANALYSER, TermIndex, TermIndexes
from sekisho.indexing.types import (
    CHUNKERS,
    DISTANCE,
    Chunk,
    ChunkerRecipe,
    Document,
    Fingerprint,
    RetrieverRecipe,
    collection_name,
    root_of,
    vector_hash,
)
from sekisho.inference.types import Embedder
from sekisho.kernel.digests import digest_of
from sekisho.registry.manifests import IndexManifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SLAB: Final = 256
Told = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """One set of chunks with their vectors (where an embedder is given) and terms; `close` it when done."""

    digest: str
    chunks: tuple[Chunk, ...]
    fingerprints: tuple[Fingerprint, ...]
    vectors: Chroma
    terms: TermIndex
    embedder: Embedder | None
    queries: QueryVectors
    chunker: ChunkerRecipe | None

    def open(self, retriever: RetrieverRecipe) -> OpenIndex:
        """The chunks, searched in this way."""
        return OpenIndex(
            digest=self.digest,
            manifest=self._manifest(retriever),
            chunks=self.fingerprints,
            ordinals={one.chunk_id: one.ordinal for one in self.fingerprints},
            vectors=self.vectors,
            embedder=self.embedder,
            terms=self.terms,
            queries=self.queries,
        )

    def close(self) -> None:
        self.vectors.close()

    def _manifest(self, retriever: RetrieverRecipe) -> IndexManifest:
        cut = self.chunker or ChunkerRecipe()
        embedder = self.embedder
        raw: dict[str, Any] = {
            "schema": "sekisho.index/v1",
            "corpus": self.digest,
            "chunker": {
                "name": cut.name if self.chunker else "whole",
                "version": CHUNKERS[cut.name],
                "max_tokens": cut.max_tokens,
                "overlap": cut.overlap,
            },
            "embedder": {
                "name": embedder.name if embedder else "none",
                "digest": embedder.digest if embedder else self.digest,
                "dimension": embedder.dimension if embedder else 1,
            },
            "retriever": {**retriever.pinned(), "analyser": ANALYSER},
            "distance": DISTANCE,
            "chunks": {"count": len(self.chunks), "root": root_of(one.chunk_hash for one in self.fingerprints)},
        }
        return msgspec.convert(raw, IndexManifest)


def build_scratch(
    folder: Path,
    documents: Sequence[Document],
    embedder: Embedder | None,
    chunker: ChunkerRecipe | None,
    told: Told = lambda done, total: None,
) -> Scratch:
    """Cut, embed and store the documents below `folder`. Without an embedder only terms can be searched."""
    chunks = tuple(_chunks(documents, embedder, chunker))
    digest = digest_of([chunk.hash for chunk in chunks])
    store = Chroma(folder=folder / "chroma")
    name = collection_name(digest)
    store.create(name)
    hashes: list[str] = []
    order = sorted(enumerate(chunks), key=lambda one: (-len(one[1].text), one[0]))
    placed: dict[int, str] = {}
    for start in range(0, len(order), SLAB):
        slab = order[start : start + SLAB]
        rows = _rows(embedder, [chunk.text for _, chunk in slab])
        store.add(name, slab, rows)
        placed.update({ordinal: vector_hash(row) for (ordinal, _), row in zip(slab, rows, strict=True)})
        told(len(placed), len(chunks))
    hashes = [placed[ordinal] for ordinal in range(len(chunks))]
    prints = tuple(Fingerprint(ordinal, chunk.id, chunk.hash, hashes[ordinal]) for ordinal, chunk in enumerate(chunks))
    terms = TermIndexes(folder / "bm25").open(digest, lambda: [chunk.text for chunk in chunks])
    return Scratch(digest, chunks, prints, store, terms, embedder, QueryVectors(), chunker)


def _rows(embedder: Embedder | None, texts: Sequence[str]) -> NDArray[np.float32]:
    import numpy as np

    return np.ones((len(texts), 1), np.float32) if embedder is None else embedder.embed(texts)


def _chunks(documents: Sequence[Document], embedder: Embedder | None, chunker: ChunkerRecipe | None) -> Iterator[Chunk]:
    if chunker is None:
        for document in documents:
            whole = Chunk(digest_of(document.path)[7:39], document.path, "", document.language, document.text, 0)
            yield replace(whole, tokens=len(document.text))
        return
    count = embedder.count_tokens if embedder else _words
    for document in documents:
        yield from chunks_of(document, count, chunker.max_tokens, chunker.overlap, chunker.name)


def _words(text: str) -> int:
    return len(text.split())
