"""What the worker does: builds, searches, and opening an index for evaluation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec

from sekisho.indexing.building import Builder, Built
from sekisho.indexing.explaining import explained
from sekisho.indexing.packed import Fingerprints
from sekisho.indexing.ports import Ports
from sekisho.indexing.recent import Read
from sekisho.indexing.retrieval import OpenIndex, dated
from sekisho.indexing.store import IndexStore
from sekisho.indexing.terms import ANALYSER, TermIndex
from sekisho.indexing.types import (
    BuildRecord,
    Fingerprint,
    Integrity,
    Recipe,
    collection_name,
)
from sekisho.inference.types import Embedder, Reranker
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import short
from sekisho.kernel.errors import IntegrityFailed, ModelFailed, NotFound, Revoked
from sekisho.kernel.jobs import Cancelled, Job, JobState
from sekisho.kernel.references import Kind
from sekisho.registry.index_kinds import DocumentFilter
from sekisho.registry.manifests import CorpusManifest, IndexManifest
from sekisho.registry.types import Provenance


@dataclass(frozen=True)
class Working(Ports):
    """Each job ends in the one transaction that stores its outcome."""

    async def build(self, job: Job) -> None:
        """Do a build and register its index, in one transaction with the record, the ledger and the job's end.

        Raises what is not a cancellation; then nothing is registered, and the job may be tried again.
        """
        recipe = msgspec.convert(job.payload["recipe"], Recipe)
        started = time.monotonic()
        embedder = await self.inference.embedder(recipe.embedder)
        named = recipe.retriever.reranker
        reranker = None if named is None else await self.inference.reranker(named)
        try:
            builder = Builder(
                job=job,
                database=self.database,
                jobs=self.jobs,
                registry=self.registry,
                vectors=self.vectors,
                embedder=embedder,
                reranker=reranker,
                cache=self.vector_cache,
                cuts=self.cut_cache,
                folder=self.settings.data_dir / "builds",
            )
            built = await builder.build(recipe.corpus, recipe)
            if built.manifest.retriever.mode != "dense":
                await asyncio.to_thread(self._terms, built.digest, built.manifest, built.fingerprints)
        except Cancelled:
            async with self.database.write() as tx:
                await self.jobs.finish(tx, job, JobState.CANCELLED)
            return
        await self._record(job, built, int((time.monotonic() - started) * 1000))

    async def search(self, job: Job) -> None:
        """Do a search asked for through the API; the hits become the job's result."""
        index = await self.open(job.project, str(job.payload["index"]))
        query, k = str(job.payload["query"]), job.payload.get("k")
        only = msgspec.convert(job.payload.get("filter"), DocumentFilter | None)
        if job.payload.get("why"):
            found = (await explained(index, query, k, only)).to_json()
        else:
            # Job results are canonical JSON; scores keep nine places, so that both databases hold the same text.
            hits = await index.search(query, k, only)
            found = {"hits": [{**asdict(hit), "score": round(hit.score, 9)} for hit in hits]}
        result = {"reference": job.payload["reference"], "retriever": index.manifest.retriever.mode, **found}
        async with self.database.write() as tx:
            await self.jobs.finish(tx, job, JobState.DONE, result=result)

    async def open(self, project: str, digest: str) -> OpenIndex:
        """An index of the project, ready to search, by the very embedder it was built with.

        Raises `NotFound`, `IntegrityFailed` where it has drifted or the store lacks it, `ModelFailed`.
        """
        async with self.database.read() as tx:
            manifest, record = await self._built(tx, project, digest)
        if record.integrity is Integrity.DRIFTED:
            raise _drifted(digest, "its last verification found drift")
        held = await asyncio.to_thread(self.vectors.count, collection_name(digest))
        if held != record.chunks:
            raise _drifted(digest, f"the vector store holds {held or 0} of its {record.chunks} chunks")
        if manifest.retriever.analyser not in {None, ANALYSER}:
            raise _drifted(digest, f"its terms were cut by rules {manifest.retriever.analyser}, these are {ANALYSER}")
        read = self.recent.get(record)
        if read is None:
            read = await self._read(project, manifest, record)
            self.recent.keep(record, read)
        return OpenIndex(
            digest=digest,
            manifest=manifest,
            chunks=read.chunks,
            ordinals=read.ordinals,
            vectors=self.vectors,
            embedder=None if manifest.retriever.mode == "bm25" else await self._embedder(manifest),
            terms=read.terms,
            queries=self.queries,
            reranker=await self._reranker(manifest),
            dated=read.dated,
            chosen=read.chosen,
        )

    async def _read(self, project: str, manifest: IndexManifest, record: BuildRecord) -> Read:
        async with self.database.read() as tx:
            corpus = await self.registry.of_digest(tx, project, manifest.corpus)
            rows = await IndexStore(tx).chunks(record.digest)
        try:
            chunks = Fingerprints.of(rows)
        except ValueError as error:
            raise _drifted(record.digest, f"the record of its chunks was altered: {error}") from error
        if len(chunks) != record.chunks:
            raise _drifted(record.digest, f"{len(chunks)} of its {record.chunks} chunks are on record")
        dense = manifest.retriever.mode == "dense"
        return Read(
            chunks=chunks,
            ordinals={one.chunk_id: one.ordinal for one in rows},
            terms=None if dense else await asyncio.to_thread(self._terms, record.digest, manifest, chunks),
            dated=dated(msgspec.convert(dict(corpus.manifest), CorpusManifest)),
        )

    async def _record(self, job: Job, built: Built, milliseconds: int) -> None:
        said = Provenance(**job.payload["registration"])
        stands = await asyncio.to_thread(self.vectors.vectors_root, collection_name(built.digest))
        if stands != built.vectors_root:
            raise _drifted(built.digest, "another build put other vectors in its place")
        async with self.database.write() as tx:
            await self.jobs.hold(tx, job)
            await self.ledger.lock(tx)
            registered = await self.registry.register_in(
                tx, job.principal, job.project, Kind.INDEX, job.payload["name"], built.manifest.to_json(), said
            )
            version = registered.version
            if not built.recorded:
                await IndexStore(tx).replace_chunks(built.digest, built.fingerprints)
            now = epoch_ms(self.clock.now())
            record = BuildRecord(
                project=job.project,
                digest=built.digest,
                name=version.name,
                number=version.number,
                job_id=job.id,
                corpus=built.manifest.corpus,
                embedder_digest=built.manifest.embedder.digest,
                chunks_root=built.manifest.chunks.root,
                chunks=len(built.fingerprints),
                vectors_root=built.vectors_root,
                built_at=now,
                milliseconds=milliseconds,
                integrity=Integrity.VERIFIED,
                checked_at=now,
                drift=None,
            )
            await IndexStore(tx).upsert(record)
            await IndexStore(tx).mark(built.digest, Integrity.VERIFIED, now, None)
            summary = {
                "chunks": record.chunks,
                "chunks_root": record.chunks_root,
                "vectors_root": record.vectors_root,
                "embedded": built.embedded,
                "oversized": len(built.oversized),
            }
            result = {"digest": built.digest, "reference": str(version), "number": version.number, **summary}
            result |= {"new": registered.new, "milliseconds": milliseconds, "seconds": round(milliseconds / 1000, 3)}
            await self.jobs.finish(tx, job, JobState.DONE, result=result)
            await self.ledger.append(
                tx,
                kind="index.built",
                project=job.project,
                principal=job.principal,
                subject=built.digest,
                body={"artifact": version.label, "number": version.number, "job": job.id, **summary},
            )

    async def _built(self, tx: Transaction, project: str, digest: str) -> tuple[IndexManifest, BuildRecord]:
        """Manifest and record of an index; by the record only of one that was built here."""
        version = await self.registry.of_digest(tx, project, digest)
        record = await IndexStore(tx).one_or_none(project, digest)
        if record is None and version.revoked:
            raise Revoked(f"{version} is revoked, and is not kept here", remedy="name another version, or build one")
        if version.kind is not Kind.INDEX or record is None:
            raise NotFound(
                f"{version} was registered, but not built in project {project}",
                remedy="`sekisho index build` builds and registers an index",
            )
        return msgspec.convert(dict(version.manifest), IndexManifest), record

    async def _embedder(self, manifest: IndexManifest) -> Embedder:
        return await self.inference.pinned_embedder(manifest.embedder.name, manifest.embedder.digest)

    async def _reranker(self, manifest: IndexManifest) -> Reranker | None:
        pin = manifest.retriever.reranker
        if pin is None:
            return None
        reranker = await self.inference.reranker(pin.name)
        if reranker.digest != pin.digest:
            raise ModelFailed(
                f"the reranker {pin.name} is {short(reranker.digest)} now, and the index was built with "
                f"{short(pin.digest)}",
                remedy="bring that reranker back, or build the index again",
            )
        return reranker

    def _terms(self, digest: str, manifest: IndexManifest, chunks: Sequence[Fingerprint]) -> TermIndex:
        """The term index; made from the store's texts, once they are seen to be the manifest's, where it is absent."""

        def texts() -> list[str]:
            found: list[str | None] = [None] * len(chunks)
            for stored in self.vectors.scan(collection_name(digest)):
                place = stored.ordinal if 0 <= stored.ordinal < len(chunks) else 0
                if (stored.id, stored.hash) == (chunks[place].chunk_id, chunks[place].chunk_hash):
                    found[place] = stored.text
            held = [text for text in found if text is not None]
            if len(held) != len(chunks):
                raise _drifted(digest, "the vector store's texts are not the ones it was built from")
            return held

        return self.term_indexes.open(manifest.chunks.root, texts)


def _drifted(digest: str, what: str) -> IntegrityFailed:
    return IntegrityFailed(
        f"index {digest} cannot be searched: {what}",
        remedy="`sekisho index verify` names every drifted chunk; build the index again to mend it",
    )
