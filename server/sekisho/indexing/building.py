"""A build, from the corpus to a published collection. Killed at any moment it leaves nothing registered.

Vectors are written to a staging collection of this attempt's own, which gets the index's name in one step. What
stands under that name afterwards is read back and compared before anything is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sekisho.indexing.chunking import chunks_of
from sekisho.indexing.store import IndexStore
from sekisho.indexing.terms import ANALYSER
from sekisho.indexing.types import (
    CHUNKER_VERSION,
    DISTANCE,
    Chunk,
    Document,
    Drift,
    Fingerprint,
    Recipe,
    collection_name,
    drift_between,
    language_of,
    root_of,
    vector_hash,
)
from sekisho.indexing.vectors import Stored, VectorStore
from sekisho.inference.types import Embedder
from sekisho.kernel.database import Database
from sekisho.kernel.errors import FieldError, IntegrityFailed, Invalid
from sekisho.kernel.jobs import Job, Jobs, Progress
from sekisho.registry.manifests import (
    CorpusManifest,
    IndexManifest,
)
from sekisho.registry.service import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STAGING: Final = "build-"
_SLAB: Final = 64
_WRITTEN_AT_ONCE: Final = 512


class Cancelled(Exception):  # somebody asked for it: not an error
    """Somebody asked to cancel the job."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to. `recorded`: the store held these vectors already, and the record of them stands."""

    manifest: IndexManifest
    digest: str
    fingerprints: tuple[Fingerprint, ...]
    recorded: bool
    embedded: int
    oversized: tuple[str, ...]

    @property
    def vectors_root(self) -> str:
        return root_of(one.vector_hash for one in self.fingerprints)


@dataclass(frozen=True)
class Builder:
    """Builds for one job."""

    job: Job
    database: Database
    jobs: Jobs
    registry: Registry
    vectors: VectorStore
    embedder: Embedder

    async def build(self, corpus_digest: str, recipe: Recipe) -> Built:
        """Raises `Cancelled`, `LeaseLost`, `Invalid`, `ModelFailed`, `IntegrityFailed`, `Unavailable`."""
        chunks = await self._chunks(await self._documents(corpus_digest), recipe)
        hashes = await asyncio.to_thread(lambda: [chunk.hash for chunk in chunks])
        manifest = self._manifest(corpus_digest, recipe, hashes)
        digest = manifest.own_digest()
        oversized = tuple(chunk.id for chunk in chunks if chunk.tokens > self.embedder.max_tokens)
        await self._beat(0, len(chunks))
        kept = await self._kept(digest, manifest)
        if kept is not None:
            return Built(manifest, digest, kept, True, 0, oversized)
        made, embedded = await self._made(digest, manifest, chunks)
        await self._beat(len(chunks), len(chunks))
        return Built(manifest, digest, made, False, embedded, oversized)

    async def _documents(self, corpus_digest: str) -> list[Document]:
        documents = []
        async with self.database.read() as tx:
            version = await self.registry.of_digest(tx, self.job.project, corpus_digest)
            corpus = msgspec.convert(dict(version.manifest), CorpusManifest)
            for file in corpus.files:
                data = await self.registry.read_blob(tx, self.job.project, file.digest)
                language = language_of(file.path, file.language, corpus.language)
                documents.append(Document(file.path, _text(file.path, data), file.media_type, language))
        return sorted(documents, key=lambda document: document.path)

    async def _chunks(self, documents: Sequence[Document], recipe: Recipe) -> list[Chunk]:
        limit = recipe.chunker.max_tokens
        if limit > self.embedder.max_tokens:
            raise Invalid(
                f"{self.embedder.name} reads at most {self.embedder.max_tokens} tokens",
                fields=[FieldError("$.chunker.max_tokens", f"must be at most {self.embedder.max_tokens}")],
            )
        chunks: list[Chunk] = []
        for number, document in enumerate(documents, 1):
            chunks += await asyncio.to_thread(
                chunks_of, document, self.embedder.count_tokens, limit, recipe.chunker.overlap
            )
            if number % 20 == 0:
                await self._beat(number, len(documents), "documents")
        if not chunks:
            raise Invalid("the corpus holds no words", fields=[FieldError("$.corpus", "none of its files has text")])
        return chunks

    def _manifest(self, corpus: str, recipe: Recipe, hashes: Sequence[str]) -> IndexManifest:
        chunker, retriever = recipe.chunker, recipe.retriever
        raw: dict[str, Any] = {
            "schema": "sekisho.index/v1",
            "corpus": corpus,
            "chunker": {
                "name": chunker.name,
                "version": CHUNKER_VERSION,
                "max_tokens": chunker.max_tokens,
                "overlap": chunker.overlap,
            },
            "embedder": {
                "name": self.embedder.name,
                "digest": self.embedder.digest,
                "dimension": self.embedder.dimension,
            },
            "retriever": retriever.pinned(),
            "distance": DISTANCE,
            "chunks": {"count": len(hashes), "root": root_of(hashes)},
        }
        if retriever.mode != "dense":
            raw["retriever"]["analyser"] = ANALYSER
        return msgspec.convert(raw, IndexManifest)

    async def _kept(self, digest: str, manifest: IndexManifest) -> tuple[Fingerprint, ...] | None:
        """The record of an earlier build, where the store still holds exactly that."""
        async with self.database.read() as tx:
            expected = await IndexStore(tx).chunks(digest)
        if not expected:
            return None
        found = await self.look(digest)
        drift = await asyncio.to_thread(drift_between, expected, found, manifest.chunks.root)
        return None if drift.found else tuple(expected)

    async def look(self, digest: str) -> list[Fingerprint]:
        """Fingerprints of what the store holds under the index's name."""
        return await asyncio.to_thread(fingerprints_of, self.vectors, digest)

    async def _made(
        self, digest: str, manifest: IndexManifest, chunks: Sequence[Chunk]
    ) -> tuple[tuple[Fingerprint, ...], int]:
        """Fill and publish the collection; gives fingerprints of what was put in, and how many were embedded."""
        name, staging = collection_name(digest), f"{STAGING}{self.job.id}-{self.job.attempts}"
        await self._sweep()
        try:
            await asyncio.to_thread(self.vectors.create, staging)
            known = await self._known_vectors(digest, manifest, chunks)
            hashes = await (self._copy(staging, chunks, known) if known else self._embed(staging, chunks))
            made = tuple(
                Fingerprint(ordinal, chunk.id, chunk.hash, hashes[ordinal]) for ordinal, chunk in enumerate(chunks)
            )
            await asyncio.to_thread(self._publish, staging, name, root_of(one.vector_hash for one in made))
            await self._check(digest, manifest, made)
        finally:
            await asyncio.to_thread(self.vectors.delete, staging)
        return made, 0 if known else len(chunks)

    def _publish(self, staging: str, name: str, vectors_root: str) -> None:
        # What stands there now is either not recorded or has drifted; else it would have been kept.
        self.vectors.delete(name)
        if not self.vectors.publish(staging, name, vectors_root):
            raise IntegrityFailed(
                f"another build of {name} was published at the same moment",
                remedy="build again: it will find that one done",
            )

    async def _check(self, digest: str, manifest: IndexManifest, made: Sequence[Fingerprint]) -> None:
        drift = await asyncio.to_thread(drift_between, made, await self.look(digest), manifest.chunks.root)
        if drift.found:
            raise IntegrityFailed(
                f"the vector store does not give back what was written: {drift_in_words(drift)}",
                remedy="look at the store's disk, then build again",
            )

    async def _known_vectors(
        self, digest: str, manifest: IndexManifest, chunks: Sequence[Chunk]
    ) -> dict[str, Stored] | None:
        """The vectors of an index over the same chunks by the same embedder, if the store holds them unaltered."""
        async with self.database.read() as tx:
            store = IndexStore(tx)
            alike = await store.with_the_same_vectors(manifest.chunks.root, manifest.embedder.digest)
            records = {other: await store.chunks(other) for other in alike if other != digest}
        for other, expected in records.items():
            held = await asyncio.to_thread(lambda name: list(self.vectors.scan(name)), collection_name(other))
            found = [stored.fingerprint() for stored in held]
            if not drift_between(expected, found, manifest.chunks.root).found and len(held) == len(chunks):
                return {stored.id: stored for stored in held}
        return None

    async def _copy(self, staging: str, chunks: Sequence[Chunk], known: Mapping[str, Stored]) -> dict[int, str]:
        import numpy as np

        placed = list(enumerate(chunks))
        rows = np.stack([known[chunk.id].vector for chunk in chunks])
        await asyncio.to_thread(self.vectors.add, staging, placed, rows)
        return {ordinal: vector_hash(row) for ordinal, row in enumerate(rows)}

    async def _embed(self, staging: str, chunks: Sequence[Chunk]) -> dict[int, str]:
        """Longest first, so that texts in one batch are of like length and next to nothing is spent on padding."""
        import numpy as np

        hashes: dict[int, str] = {}
        waiting: list[tuple[int, Chunk]] = []
        rows: list[NDArray[np.float32]] = []
        order = sorted(enumerate(chunks), key=lambda one: (-one[1].tokens, one[0]))
        for start in range(0, len(order), _SLAB):
            slab = order[start : start + _SLAB]
            made = await asyncio.to_thread(self.embedder.embed, [chunk.text for _, chunk in slab])
            hashes.update({ordinal: vector_hash(row) for (ordinal, _), row in zip(slab, made, strict=True)})
            waiting += slab
            rows.append(made)
            if len(waiting) >= _WRITTEN_AT_ONCE or len(hashes) == len(chunks):
                await asyncio.to_thread(self.vectors.add, staging, waiting, np.concatenate(rows))
                waiting, rows = [], []
            await self._beat(len(hashes), len(chunks))
        return hashes

    async def _sweep(self) -> None:
        """Delete what killed builds left behind."""
        for name in await asyncio.to_thread(self.vectors.names):
            if not name.startswith(STAGING):
                continue
            job_id = name.removeprefix(STAGING).rpartition("-")[0]
            async with self.database.read() as tx:
                job = await self.jobs.one_or_none(tx, job_id)
            if job is None or job.state.over or job.id == self.job.id:
                await asyncio.to_thread(self.vectors.delete, name)

    async def _beat(self, done: int, total: int, unit: str = "chunks") -> None:
        if await self.jobs.beat(self.job, Progress(done, total, unit)):
            raise Cancelled


def fingerprints_of(vectors: VectorStore, digest: str) -> list[Fingerprint]:
    return [stored.fingerprint() for stored in vectors.scan(collection_name(digest))]


def drift_in_words(drift: Drift) -> str:
    """One line for people: how many of what, and the first few by id."""
    parts = []
    for what in ("missing", "extra", "altered_chunks", "altered_vectors", "foreign_vectors"):
        ids: tuple[str, ...] = getattr(drift, what)
        if ids:
            more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
            parts.append(f"{what.replace('_', ' ')}: {', '.join(ids[:5])}{more}")
    if not drift.root_matches:
        parts.append("the root over the chunks is not the manifest's")
    return "; ".join(parts) or "nothing drifted"


def _text(path: str, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not UTF-8", fields=[FieldError("$.corpus", f"{path}: byte {error.start}")]) from error
