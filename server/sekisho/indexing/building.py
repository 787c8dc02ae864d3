"""A build, from the corpus to a published collection. Killed at any moment it leaves nothing registered.

Vectors are written to a staging collection of this attempt's own, which gets the index's name in one step. What
stands under that name afterwards is read back and compared before anything is recorded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from sekisho.indexing.cut_cache import CutCache, Cutting
from sekisho.indexing.filling import Filling
from sekisho.indexing.packed import Fingerprints
from sekisho.indexing.spool import Spool
from sekisho.indexing.store import IndexStore
from sekisho.indexing.terms import ANALYSER
from sekisho.indexing.types import (
    CHUNKERS,
    DISTANCE,
    Document,
    Drift,
    Fingerprint,
    Recipe,
    collection_name,
    drift_between,
    language_of,
    root_of,
)
from sekisho.indexing.vector_cache import VectorCache
from sekisho.indexing.vectors import VectorStore
from sekisho.inference.types import Embedder, Reranker
from sekisho.kernel.database import Database
from sekisho.kernel.errors import FieldError, IntegrityFailed, Invalid
from sekisho.kernel.jobs import Cancelled, Job, Jobs, Progress
from sekisho.registry.index_kinds import CorpusFile
from sekisho.registry.manifests import CorpusManifest, IndexManifest
from sekisho.registry.service import Registry

STAGING: Final = "build-"
_TOLD_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to. `recorded`: the store held these vectors already, and the record of them stands."""

    manifest: IndexManifest
    digest: str
    fingerprints: Sequence[Fingerprint]
    vectors_root: str
    recorded: bool
    embedded: int
    oversized: tuple[str, ...]


@dataclass(frozen=True)
class Builder:
    """Builds for one job."""

    job: Job
    database: Database
    jobs: Jobs
    registry: Registry
    vectors: VectorStore
    embedder: Embedder
    reranker: Reranker | None
    cache: VectorCache
    cuts: CutCache
    folder: Path
    """Where the chunks are laid while the build goes on."""
    _told: list[float] = field(default_factory=list, init=False, repr=False, compare=False)
    """When the job was last told of progress, on the monotonic clock."""

    async def build(self, corpus_digest: str, recipe: Recipe) -> Built:
        """Raises `Cancelled`, `LeaseLost`, `Invalid`, `ModelFailed`, `IntegrityFailed`, `Unavailable`."""
        with Spool(self.folder) as spool:
            await self._cut(corpus_digest, recipe, spool)
            manifest = self._manifest(corpus_digest, recipe, spool.hashes)
            digest = manifest.own_digest()
            longest = self.embedder.max_tokens
            oversized = tuple(name for name, tokens in zip(spool.ids, spool.tokens, strict=True) if tokens > longest)
            await self._beat(0, len(spool))
            kept = await self._kept(digest, manifest)
            if kept is not None:
                root = root_of(one.vector_hash for one in kept)
                return Built(manifest, digest, kept, root, True, 0, oversized)
            made, root, embedded = await self._made(digest, manifest, spool)
            await self._beat(len(spool), len(spool))
            return Built(manifest, digest, made, root, False, embedded, oversized)

    async def _cut(self, corpus_digest: str, recipe: Recipe, spool: Spool) -> None:
        """Cut the corpus's documents, in the order of their paths, a few of them in memory at a time."""
        limit = recipe.chunker.max_tokens
        if limit > self.embedder.max_tokens:
            raise Invalid(
                f"{self.embedder.name} reads at most {self.embedder.max_tokens} tokens",
                fields=[FieldError("$.chunker.max_tokens", f"must be at most {self.embedder.max_tokens}")],
            )
        async with self.database.read() as tx:
            version = await self.registry.of_digest(tx, self.job.project, corpus_digest)
        corpus = msgspec.convert(dict(version.manifest), CorpusManifest)
        files = sorted(corpus.files, key=lambda file: file.path)
        cutting = Cutting(self.embedder, recipe.chunker, self.cuts)
        done = 0
        async for some in self.registry.documents(self.job.project, files):
            documents = [_document(corpus, file, data) for file, data in some]
            spool.extend(await asyncio.to_thread(cutting.chunks, documents))
            done += len(some)
            await self._beat(done, len(files), "documents")
        if not len(spool):
            raise Invalid("the corpus holds no words", fields=[FieldError("$.corpus", "none of its files has text")])

    def _manifest(self, corpus: str, recipe: Recipe, hashes: Sequence[str]) -> IndexManifest:
        chunker, retriever = recipe.chunker, recipe.retriever
        raw: dict[str, Any] = {
            "schema": "sekisho.index/v1",
            "corpus": corpus,
            "chunker": {
                "name": chunker.name,
                "version": CHUNKERS[chunker.name],
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
        if self.reranker is not None:
            raw["retriever"]["reranker"]["digest"] = self.reranker.digest
        return msgspec.convert(raw, IndexManifest)

    async def _kept(self, digest: str, manifest: IndexManifest) -> Sequence[Fingerprint] | None:
        """The record of an earlier build, where the store still holds exactly that."""
        async with self.database.read() as tx:
            expected = await IndexStore(tx).chunks(digest)
        if not expected:
            return None
        drift, _ = await asyncio.to_thread(drift_in, self.vectors, digest, expected, manifest.chunks.root)
        return None if drift.found else expected

    async def _made(self, digest: str, manifest: IndexManifest, spool: Spool) -> tuple[Fingerprints, str, int]:
        """Fill and publish the collection; gives fingerprints of what was put in, the root over their vectors, and how
        many were embedded."""
        name, staging = collection_name(digest), f"{STAGING}{self.job.id}-{self.job.attempts}"
        await self._sweep()
        try:
            await asyncio.to_thread(self.vectors.create, staging)
            filling = Filling(self.embedder, self.cache, self.vectors, staging, spool, self._beat)
            hashes = await filling.fill()
            made = Fingerprints(spool.ids, spool.hashes, hashes)
            vectors_root = root_of(hashes)
            await asyncio.to_thread(self._publish, staging, name, vectors_root)
            await self._check(digest, manifest, made)
        finally:
            await asyncio.to_thread(self.vectors.delete, staging)
        return made, vectors_root, filling.embedded

    def _publish(self, staging: str, name: str, vectors_root: str) -> None:
        # What stands there now is either not recorded or has drifted; else it would have been kept.
        self.vectors.delete(name)
        if not self.vectors.publish(staging, name, vectors_root):
            raise IntegrityFailed(
                f"another build of {name} was published at the same moment",
                remedy="build again: it will find that one done",
            )

    async def _check(self, digest: str, manifest: IndexManifest, made: Sequence[Fingerprint]) -> None:
        drift, _ = await asyncio.to_thread(drift_in, self.vectors, digest, made, manifest.chunks.root)
        if drift.found:
            raise IntegrityFailed(
                f"the vector store does not give back what was written: {drift_in_words(drift)}",
                remedy="look at the store's disk, then build again",
            )

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
        """Tell the job how far it is, a few times a second; each is a write to the database."""
        now = time.monotonic()
        if done < total and self._told and now - self._told[-1] < _TOLD_EVERY_S:
            return
        self._told[:] = [now]
        if await self.jobs.beat(self.job, Progress(done, total, unit)):
            raise Cancelled


def drift_in(vectors: VectorStore, digest: str, expected: Sequence[Fingerprint], root: str) -> tuple[Drift, int]:
    """What differs between the build record and what the store holds under the index's name, and how much that is."""
    seen = 0

    def found() -> Iterator[Fingerprint]:
        nonlocal seen
        for stored in vectors.scan(collection_name(digest)):
            seen += 1
            yield stored.fingerprint()

    return drift_between(expected, found(), root), seen


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


def _document(corpus: CorpusManifest, file: CorpusFile, data: bytes) -> Document:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        fields = [FieldError("$.corpus", f"{file.path}: byte {error.start}")]
        raise Invalid(f"{file.path} is not UTF-8", fields=fields) from error
    return Document(file.path, text, file.media_type, language_of(file.path, file.language, corpus.language))
