"""The record of a built index and its fingerprints, changed by hand, no longer agree with the log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sekisho.indexing.witness import IndexBuilds, IndexChunks
from sekisho.ledger.service import Ledger
from tests.indexing.tampering import bend, raw_collection
from tests.indexing.worlds import World
from tests.ledger.by_hand import problems_after

FORGED = "'sha256:" + "0" * 64 + "'"
BY_HAND = {
    "what was built": (f"UPDATE index_builds SET chunks_root = {FORGED}", "chunks_root is"),
    "which vectors": (f"UPDATE index_builds SET vectors_root = {FORGED}", "vectors_root is"),
    "a drifted index that looks well": ("UPDATE index_builds SET integrity = 'verified'", "integrity is 'verified'"),
    "a build that was never done": ("UPDATE index_builds SET job_id = 'none'", "job is 'none'"),
    "a back-dated build": ("UPDATE index_builds SET built_at = 1", "built_at is 1"),
    "a removed build": ("DELETE FROM index_builds", "record of a built index"),
    "a chunk": (f"UPDATE index_chunks SET chunk_hash = {FORGED} WHERE ordinal = 0", "chunks_root is"),
    "a vector": (f"UPDATE index_chunks SET vector_hash = {FORGED} WHERE ordinal = 0", "vectors_root is"),
    "a removed chunk": ("DELETE FROM index_chunks WHERE ordinal = 0", "chunks is"),
    "all of them removed": ("DELETE FROM index_chunks", "fingerprints of an index"),
}


async def problems(ledger: Ledger) -> tuple[str, ...]:
    async with ledger.database.read() as tx:
        return (await ledger.verify_in(tx)).problems


@pytest.fixture
async def ledger(world: World) -> Ledger:
    """Of an index that was built twice, was found drifted, and is so still."""
    corpus = await world.corpus()
    for _ in range(2):
        built = await world.build(corpus)
    assert built.result is not None
    found = replace(world.indexing.ledger, witnesses=(IndexBuilds(), IndexChunks()))
    assert await problems(found) == ()
    collection = raw_collection(world.indexing.vectors, built.result["digest"])
    bend(collection, collection.get(limit=1)["ids"][0])
    await world.verify(built.result["digest"])
    assert await problems(found) == ()
    return found


async def test_an_index_is_held_to_its_entries(ledger: Ledger) -> None:
    """Sound as it was built and looked at; whatever is changed by hand is named."""
    unseen = []
    for what, (statement, problem) in BY_HAND.items():
        found = await problems_after(ledger, statement)
        unseen += [] if any(problem in one for one in found) else [(what, found)]
    assert unseen == []


async def test_a_drifted_index_that_is_built_again_is_well(world: World) -> None:
    """In every project that has it, and the log says so of each."""
    corpus = await world.corpus()
    built = await world.build(corpus)
    assert built.result is not None
    collection = raw_collection(world.indexing.vectors, built.result["digest"])
    bend(collection, collection.get(limit=1)["ids"][0])
    assert (await world.verify(built.result["digest"])).result is not None
    await world.build(corpus)
    assert await problems(replace(world.indexing.ledger, witnesses=(IndexBuilds(), IndexChunks()))) == ()
