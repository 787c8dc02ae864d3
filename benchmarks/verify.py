"""Verifying an index of 100,000 chunks, the whole way: every chunk's hash, every vector's bits, both roots, the mark.

The chunks and vectors are made up, since nothing of a verification depends on what they say: passages of 60 words,
vectors of 384 floats. Beside it stands what no verification can do without: reading every row from bare Chroma.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.figures import Figure
from benchmarks.server import opened, scratch, settings_of
from sekisho.identity.types import Actor
from sekisho.indexing.store import IndexStore
from sekisho.indexing.types import DISTANCE, BuildRecord, Chunk, Fingerprint, Integrity, collection_name, root_of
from sekisho.indexing.types import vector_hash as bits
from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.jobs import JobState
from sekisho.kernel.references import Kind
from sekisho.registry.types import Provenance, Version
from sekisho.wiring.services import Services

TITLE: Final = "Verifying an index"
LIMIT_S: Final = 900
CHUNKS: Final = 100_000
AIM_S: Final = 60
_DIMENSION: Final = 384
_AT_ONCE: Final = 5_000
_WORDS: Final = 60
_PAGE: Final = b"# Made up\n"


def measure() -> Iterator[Figure]:
    ours_s, bare_s = asyncio.run(measured(CHUNKS))
    yield Figure(
        f"{CHUNKS:,} chunks of {_DIMENSION} floats",
        f"{ours_s:.1f} s ({CHUNKS / ours_s:,.0f} chunks/s)",
        f"aim: under {AIM_S} s; reading every row from bare Chroma: {bare_s:.1f} s",
        f"{ours_s / bare_s:.2f} × the reading",
    )


async def measured(chunks: int) -> tuple[float, float]:
    with scratch() as folder:
        services, admin = await opened(settings_of(folder))
        try:
            digest = await stored(services, admin, chunks)
            ours_s = await verified(services, admin, digest)
            return ours_s, await asyncio.to_thread(read, services.indexing.vectors, collection_name(digest))
        finally:
            await services.close()


async def stored(services: Services, admin: Actor, chunks: int) -> str:
    """An index as a build leaves it, but of made-up words and vectors; its digest."""
    staging, made = "build-made-up", list[Fingerprint]()
    await asyncio.to_thread(services.indexing.vectors.create, staging)
    for start in range(0, chunks, _AT_ONCE):
        made += await asyncio.to_thread(_add, services.indexing.vectors, staging, start, min(_AT_ONCE, chunks - start))
    root = root_of(one.chunk_hash for one in made)
    version = await _registered(services, admin, chunks, root)
    vectors_root = root_of(one.vector_hash for one in made)
    await asyncio.to_thread(services.indexing.vectors.publish, staging, collection_name(version.digest), vectors_root)
    record = BuildRecord(
        project="default", digest=version.digest, name=version.name, number=version.number, job_id="made-up",
        corpus=str(version.manifest["corpus"]), embedder_digest=digest_of("none"), chunks_root=root,
        chunks=chunks, vectors_root=vectors_root, built_at=1, milliseconds=1, integrity=Integrity.UNVERIFIED,
        checked_at=1, drift=None,
    )  # fmt: skip
    async with services.database.write() as tx:
        await IndexStore(tx).replace_chunks(version.digest, made)
        await IndexStore(tx).upsert(record)
    return version.digest


async def verified(services: Services, admin: Actor, digest: str) -> float:
    """Seconds from the claim of the job to its end."""
    await services.indexing.request_verify(admin, "default", digest)
    start = time.perf_counter()
    job = await services.jobs.claim(["verify"], "benchmark")
    if job is None:
        raise RuntimeError("the verification was not in the queue")
    await services.indexing.verify(job)
    took = time.perf_counter() - start
    ended = await services.jobs.one("default", job.id)
    if ended.state is not JobState.DONE or (ended.result or {}).get("integrity") != "verified":
        raise RuntimeError(f"the verification ended as {ended.state}: {ended.error or ended.result}")
    return took


def read(vectors: Any, name: str) -> float:
    """Seconds to get all that bare Chroma has, a thousand rows at a time."""
    collection = vectors._chroma().get_collection(name, embedding_function=None)
    start = time.perf_counter()
    for offset in range(0, collection.count(), 1000):
        collection.get(include=["metadatas", "embeddings"], limit=1000, offset=offset)
    return time.perf_counter() - start


def _add(vectors: Any, staging: str, start: int, count: int) -> list[Fingerprint]:
    import numpy as np

    rows = np.random.default_rng(start).normal(size=(count, _DIMENSION)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    placed = [(start + number, _chunk(start + number)) for number in range(count)]
    vectors.add(staging, placed, rows)
    return [
        Fingerprint(ordinal, chunk.id, chunk.hash, bits(row))
        for (ordinal, chunk), row in zip(placed, rows, strict=True)
    ]


def _chunk(number: int) -> Chunk:
    words = " ".join(f"word{(number * 7 + place * place) % 5000}" for place in range(_WORDS))
    return Chunk(f"{number:032x}", f"page-{number // 10}.md", "Made up > Words", "en", words, _WORDS)


async def _registered(services: Services, admin: Actor, chunks: int, root: str) -> Version:
    page = digest_of_bytes(_PAGE)
    await services.registry.put_blob(admin, "default", page, _PAGE)
    file = {"path": "page.md", "digest": page, "bytes": len(_PAGE), "media_type": "text/markdown"}
    corpus = {"schema": "sekisho.corpus/v1", "files": [file], "licence": "CC0-1.0"}
    made = await services.registry.register(admin, "default", Kind.CORPUS, "made-up", corpus, Provenance())
    index = {
        "schema": "sekisho.index/v1",
        "corpus": made.version.digest,
        "chunker": {"name": "markdown", "version": 1, "max_tokens": 200, "overlap": 0},
        "embedder": {"name": "minilm", "digest": digest_of("none"), "dimension": _DIMENSION},
        "retriever": {"mode": "dense", "k": 10},
        "distance": DISTANCE,
        "chunks": {"count": chunks, "root": root},
    }
    return (await services.registry.register(admin, "default", Kind.INDEX, "made-up", index, Provenance())).version
