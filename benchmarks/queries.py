"""Questions to an index of a hundred thousand chunks, beside Chroma's own query over the same vectors.

Vectors and words are random: how long a search takes depends on how many there are, not on what they mean. What is
timed is all that a search does but the embedding of its question, and every hit is checked against its hash. Each
question goes to both in turn, so that a busy moment meets both.
"""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, percentile
from benchmarks.server import scratch
from sekisho.indexing.chroma import Chroma
from sekisho.indexing.retrieval import OpenIndex, QueryVectors
from sekisho.indexing.terms import ANALYSER, TermIndexes
from sekisho.indexing.types import (
    DISTANCE,
    Chunk,
    Fingerprint,
    RetrieverRecipe,
    collection_name,
    root_of,
    vector_hash,
)  # fmt: skip
from sekisho.kernel.digests import digest_of
from sekisho.registry.manifests import IndexManifest

TITLE: Final = "Searching an index"
LIMIT_S: Final = 900
CHUNKS: Final = 100_000
QUERIES: Final = 200
DIMENSION: Final = 384
_SLAB: Final = 5000
_STARTS, _ENDS = ("ka", "mo", "ri", "to", "se"), ("ga", "ne", "shi", "ru")
_WORDS: Final = [f"{a}{b}{c}" for a in _STARTS for b in _ENDS for c in range(100)]


@dataclass
class Random:
    """Gives a vector drawn by the text; nothing is measured of it."""

    name: str = "random"
    digest: str = digest_of({"random": DIMENSION})
    dimension: int = DIMENSION
    max_tokens: int = 512
    drawn: Any = field(default_factory=lambda: np.random.default_rng(7))

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = self.drawn.normal(size=(len(texts), DIMENSION)).astype(np.float32)
        unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.embed(texts)


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        world = World(folder, Random())
        filled = world.fill()
        yield Figure(
            f"{CHUNKS:,} chunks written to Chroma and BM25", f"{filled:.0f} s", "", f"{memory_mb():.0f} MB at most"
        )
        asked = [" ".join(random.Random(n).sample(_WORDS, 5)) for n in range(QUERIES)]
        vectors = [world.queries.of(world.embedder, query) for query in asked]
        for mode in ("dense", "bm25", "hybrid"):
            index = world.open(mode)
            with asyncio.Runner() as runner:
                ours, bare = timed(
                    [partial(searched, runner, index, query) for query in asked],
                    [partial(world.bare, vector) for vector in vectors],
                )
            yield Figure(
                f"{mode}, k 10",
                f"p50 {percentile(ours, 0.5) * 1000:.1f} ms, p99 {percentile(ours, 0.99) * 1000:.1f} ms",
                f"Chroma: {percentile(bare, 0.5) * 1000:.1f} ms, {percentile(bare, 0.99) * 1000:.1f} ms",
                f"{percentile(ours, 0.5) / percentile(bare, 0.5):.1f} × its time",
            )
        world.vectors.close()


def searched(runner: asyncio.Runner, index: OpenIndex, query: str) -> None:
    """In an event loop that is there already, as a worker's is."""
    runner.run(index.search(query, 10))


class World:
    """One index of random chunks, opened as a worker opens one."""

    def __init__(self, folder: Path, embedder: Random) -> None:
        self.vectors, self.terms = Chroma(folder=folder / "chroma"), TermIndexes(folder / "bm25")
        self.embedder, self.queries = embedder, QueryVectors()
        self.digest = digest_of({"chunks": CHUNKS})
        self.prints: list[Fingerprint] = []
        self.texts: list[str] = []

    def fill(self) -> float:
        start, name = time.perf_counter(), collection_name(self.digest)
        self.vectors.create(name)
        draw = random.Random(7)
        for first in range(0, CHUNKS, _SLAB):
            chunks = [chunk(n, draw) for n in range(first, min(first + _SLAB, CHUNKS))]
            rows = self.embedder.embed([one.text for one in chunks])
            self.vectors.add(name, list(enumerate(chunks, first)), rows)
            self.prints += [
                Fingerprint(first + n, one.id, one.hash, vector_hash(row))
                for n, (one, row) in enumerate(zip(chunks, rows, strict=True))
            ]
            self.texts += [one.text for one in chunks]
        self.terms.open(self.digest, lambda: self.texts)
        return time.perf_counter() - start

    def open(self, mode: Any) -> OpenIndex:
        return OpenIndex(
            digest=self.digest,
            manifest=self.manifest(RetrieverRecipe(mode)),
            chunks=self.prints,
            ordinals={one.chunk_id: one.ordinal for one in self.prints},
            vectors=self.vectors,
            embedder=self.embedder,
            terms=self.terms.open(self.digest, lambda: self.texts),
            queries=self.queries,
        )

    def bare(self, vector: NDArray[np.float32]) -> None:
        collection = self.vectors._chroma().get_collection(collection_name(self.digest), embedding_function=None)
        collection.query(query_embeddings=[vector], n_results=10, include=["metadatas", "distances"])

    def manifest(self, retriever: RetrieverRecipe) -> IndexManifest:
        raw = {
            "schema": "sekisho.index/v1",
            "corpus": self.digest,
            "chunker": {"name": "markdown", "version": 1, "max_tokens": 200, "overlap": 0},
            "embedder": {"name": self.embedder.name, "digest": self.embedder.digest, "dimension": DIMENSION},
            "retriever": {**retriever.pinned(), "analyser": ANALYSER},
            "distance": DISTANCE,
            "chunks": {"count": CHUNKS, "root": root_of(one.chunk_hash for one in self.prints)},
        }
        return msgspec.convert(raw, IndexManifest)


def chunk(number: int, draw: random.Random) -> Chunk:
    return Chunk(f"{number:032x}", f"{number // 20}.md", "", "en", " ".join(draw.choices(_WORDS, k=60)), 60)


Call = Callable[[], object]


def timed(ours: Sequence[Call], theirs: Sequence[Call]) -> tuple[list[float], list[float]]:
    """Seconds of each, in turns and each first as often, after a tenth of them has warmed everything up."""
    for call in (*ours[: len(ours) // 10], *theirs[: len(theirs) // 10]):
        call()
    seconds: tuple[list[float], list[float]] = [], []
    for number, pair in enumerate(zip(ours, theirs, strict=True)):
        for which in (0, 1) if number % 2 else (1, 0):
            start = time.perf_counter()
            pair[which]()
            seconds[which].append(time.perf_counter() - start)
    return seconds


def memory_mb() -> float:
    """The most that this process has taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
