"""Deep verification: a sample is embedded again, and vectors that the embedder does not give are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from sekisho.indexing.store import IndexBuildRow, IndexChunkRow, IndexStore
from sekisho.indexing.types import DeepLook, Fingerprint, root_of, vector_hash
from sekisho.indexing.verifying import DEEP_TOLERANCE, apart, sampled
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import ModelFailed
from tests.indexing.embedders import HashedWords
from tests.indexing.tampering import raw_collection
from tests.indexing.worlds import ADMIN, World


async def deep(world: World, digest: str, **look: Any) -> dict[str, Any]:
    await world.indexing.request_verify(ADMIN, "default", digest, DeepLook(**look))
    job = await world.work("verify")
    assert job.result is not None
    return dict(job.result)


async def built(world: World) -> str:
    job = await world.build(await world.corpus(), "hybrid")
    assert job.result is not None
    return str(job.result["digest"])


async def forge(world: World, digest: str) -> str:
    """Put another vector in a chunk's place, and its hash into the record: to the bit, all is as recorded."""
    collection = raw_collection(world.indexing.vectors, digest)
    victim = str(collection.get(limit=1)["ids"][0])
    vector = np.eye(1, 64, 7, dtype=np.float32)[0]
    collection.update(ids=[victim], embeddings=[vector])
    async with world.database.write() as tx:
        await tx.execute(
            update(IndexChunkRow)
            .where(IndexChunkRow.digest == digest, IndexChunkRow.chunk_id == victim)
            .values(vector_hash=vector_hash(vector))
        )
        root = root_of(one.vector_hash for one in await IndexStore(tx).chunks(digest))
        await tx.execute(update(IndexBuildRow).where(IndexBuildRow.digest == digest).values(vectors_root=root))
    return victim


async def test_an_embedder_that_moved_cannot_vouch(world: World) -> None:
    """A deep look with another embedder would name every chunk; it is refused, and no mark is changed."""
    digest = await built(world)
    world.indexing.inference._embedders["minilm"] = HashedWords(dimension=32)
    await world.indexing.request_verify(ADMIN, "default", digest, DeepLook())
    job = await world.claim("verify")
    with pytest.raises(ModelFailed, match="built with"):
        await world.indexing.verify(job)
    async with world.database.read() as tx:
        assert (await world.indexing.integrity(tx, "default", digest))["integrity"] == "verified"


async def test_a_vector_that_the_embedder_does_not_give_is_named(world: World) -> None:
    """Even where store and record were forged together, which no comparison of hashes can see."""
    digest = await built(world)
    victim = await forge(world, digest)
    shallow = await world.verify(digest)
    assert shallow.result is not None
    assert shallow.result["integrity"] == "verified"
    result = await deep(world, digest, sample=1000)
    assert result["integrity"] == "drifted"
    assert result["drift"]["foreign_vectors"] == [victim]
    assert result["deep"]["farthest"] > DEEP_TOLERANCE
    assert victim in result["detail"]


async def test_a_sound_index_passes_a_deep_look(world: World) -> None:
    """As many chunks are embedded again as were asked for, and the report says which tolerance they kept."""
    digest = await built(world)
    world.embedder.batches.clear()
    result = await deep(world, digest, sample=2, seed=7)
    assert result["integrity"] == "verified"
    assert result["deep"] == {"sample": 2, "seed": 7, "tolerance": DEEP_TOLERANCE, "farthest": 0.0}
    assert world.embedder.batches == [2]


def test_a_larger_sample_keeps_what_a_smaller_had() -> None:
    """The same for a seed, whatever the order of the chunks; another seed chooses others."""
    chunks = [Fingerprint(n, f"chunk-{n}", digest_of(n), digest_of([n])) for n in range(100)]
    small, large = sampled(chunks, 10, 1), sampled(list(reversed(chunks)), 30, 1)
    assert large[:10] == small
    assert sampled(chunks, 10, 2) != small
    assert len(sampled(chunks, 1000, 1)) == 100


def test_what_is_no_vector_is_infinitely_far() -> None:
    """Another length, or not a number: never within a tolerance."""
    one = np.ones(3, np.float32)
    assert apart(one, one) == 0
    assert apart(one, np.ones(4, np.float32)) == float("inf")
    assert apart(one, np.array([1, 1, np.nan], np.float32)) == float("inf")
