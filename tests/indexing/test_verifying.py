"""Verification: every way in which a store can drift is named, and drift closes what depends on the index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.indexing.chroma_rows import Held, metadata, place_of
from sekisho.indexing.types import Fingerprint, collection_name, drift_between, root_of, vector_hash
from sekisho.kernel.database import Database
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import IntegrityFailed, NotFound
from tests.clocks import FixedClock
from tests.conftest import service_url
from tests.indexing import tampering
from tests.indexing.tampering import flip, raw_collection
from tests.indexing.worlds import ADMIN, World, new_world


def remove(collection: Any, one: str) -> str:
    collection.delete(ids=[one])
    return "missing"


def add(collection: Any, _one: str) -> str:
    vector = np.eye(1, 64, dtype=np.float32)
    collection.add(ids=["f" * 32], embeddings=vector, metadatas=[metadata(Held(place_of("", 0), text="mine"))])
    return "extra"


def rewrite(collection: Any, one: str) -> str:
    tampering.rewrite(collection, one)
    return "altered_chunks"


def garble(collection: Any, one: str) -> str:
    collection.update(ids=[one], metadatas=[{"chunk": "[0, not JSON"}])
    return "altered_chunks"


def relabel(collection: Any, one: str) -> str:
    tampering.alter(collection, one, document="another.md")
    return "altered_chunks"


def move(collection: Any, one: str) -> str:
    tampering.alter(collection, one, place=place_of("", 999))
    return "altered_chunks"


def bend(collection: Any, one: str) -> str:
    tampering.bend(collection, one)
    return "altered_vectors"


@pytest.mark.parametrize("tamper", [remove, add, rewrite, garble, relabel, move, bend])
async def test_every_drifted_chunk_is_named(world: World, tamper: Callable[[Any, str], str]) -> None:
    """By its id and by what happened to it; the ledger knows, the gate is told, and a search is refused."""
    built = await world.build(await world.corpus(), "hybrid")
    assert built.result is not None
    digest = built.result["digest"]
    collection = raw_collection(world.indexing.vectors, digest)
    victim = collection.get(limit=1)["ids"][0]
    what = tamper(collection, victim)
    world.clock.advance(5)
    job = await world.verify(digest)
    assert job.result is not None
    drift = job.result["drift"]
    assert job.result["integrity"] == "drifted"
    assert drift[what] == ["f" * 32 if what == "extra" else victim]
    others = {"missing", "extra", "altered_chunks", "altered_vectors"} - {what}
    assert [drift[name] for name in sorted(others)] == [[], [], []]
    assert drift["root_matches"] is (what == "altered_vectors")
    assert (await world.kinds())[-1] == "index.drifted"
    async with world.database.read() as tx:
        told = await world.indexing.integrity(tx, "default", digest)
    assert told["integrity"] == "drifted"
    with pytest.raises(IntegrityFailed):
        await world.indexing.open("default", digest)


async def test_building_again_mends_drift(world: World) -> None:
    """The digest stays, the store is made whole, and a verification says so."""
    corpus = await world.corpus()
    first = await world.build(corpus)
    assert first.result is not None
    digest = first.result["digest"]
    collection = raw_collection(world.indexing.vectors, digest)
    tampering.rewrite(collection, collection.get(limit=1)["ids"][0])
    await world.verify(digest)
    mended = await world.build(corpus)
    verified = await world.verify(digest)
    assert mended.result is not None
    assert verified.result is not None
    assert mended.result["digest"] == digest
    assert verified.result["integrity"] == "verified"
    assert (await world.kinds())[-1] == "index.verified"
    assert (await (await world.indexing.open("default", digest)).search("gate"))[0].document == "en/gate.md"


async def test_a_collection_that_is_gone_is_all_missing(world: World) -> None:
    """Every chunk is named; opening says that the store holds none."""
    built = await world.build(await world.corpus())
    assert built.result is not None
    digest = built.result["digest"]
    world.indexing.vectors.delete(collection_name(digest))
    with pytest.raises(IntegrityFailed, match="holds 0 of its"):
        await world.indexing.open("default", digest)
    job = await world.verify(digest)
    assert job.result is not None
    assert len(job.result["drift"]["missing"]) == built.result["chunks"]


async def test_what_was_never_built_cannot_be_verified(world: World) -> None:
    """An index whose manifest was registered by hand has no build record: the gate is told 'unverified'."""
    await world.build(await world.corpus())
    with pytest.raises(NotFound):
        await world.indexing.request_verify(ADMIN, "default", "sha256:" + "0" * 64)
    async with world.database.read() as tx:
        assert await world.indexing.integrity(tx, "default", "sha256:" + "0" * 64) == {"integrity": "unverified"}


async def test_a_chunk_altered_since_the_last_look_is_refused_in_a_search(world: World) -> None:
    """Between two verifications too, no altered text is given as the index's."""
    built = await world.build(await world.corpus())
    assert built.result is not None
    digest = built.result["digest"]
    index = await world.indexing.open("default", digest)
    [hit] = await index.search("bananas lemons", 1)
    tampering.rewrite(raw_collection(world.indexing.vectors, digest), hit.chunk_id)
    with pytest.raises(IntegrityFailed, match=hit.chunk_id):
        await index.search("bananas lemons", 1)


async def test_a_chroma_server_is_verified_to_the_bit(database: Database, data_dir: Path, clock: FixedClock) -> None:
    """Vectors come back from a server with the very bits that were embedded, and one flipped bit is named."""
    world = new_world(database, data_dir, clock, chroma_url=service_url("SEKISHO_TEST_CHROMA_URL"))
    text = {"a.md": f"# Only here {data_dir.parent.name}\n\nOne of a kind.\n\n# Two\n\nAnother."}
    built = await world.build(await world.corpus(text))
    assert built.result is not None
    digest = built.result["digest"]
    try:
        verified = await world.verify(digest)
        assert verified.result is not None
        assert verified.result["integrity"] == "verified"
        collection = raw_collection(world.indexing.vectors, digest)
        victim = collection.get(limit=1)["ids"][0]
        bend(collection, victim)
        drifted = await world.verify(digest)
        assert drifted.result is not None
        assert drifted.result["drift"]["altered_vectors"] == [victim]
    finally:
        world.indexing.vectors.delete(collection_name(digest))
        await world.indexing.close()


@given(st.lists(st.text(alphabet="ab", max_size=4), unique=True, min_size=1, max_size=8), st.data())
def test_drift_is_found_exactly_where_it_is(names: list[str], data: st.DataObject) -> None:
    """No difference, no drift; any one field of any one chunk changed, that chunk and no other is named."""
    expected = [Fingerprint(n, name, digest_of(name), digest_of([name])) for n, name in enumerate(names)]
    root = root_of(one.chunk_hash for one in expected)
    assert not drift_between(expected, data.draw(st.permutations(expected)), root).found
    place = data.draw(st.integers(0, len(names) - 1))
    other = digest_of({"other": 1})
    one = expected[place]
    changed = {
        "altered_chunks": Fingerprint(one.ordinal, one.chunk_id, other, one.vector_hash),
        "altered_vectors": Fingerprint(one.ordinal, one.chunk_id, one.chunk_hash, other),
    }
    what = data.draw(st.sampled_from(sorted(changed)))
    found = [*expected[:place], changed[what], *expected[place + 1 :]]
    drift = drift_between(expected, found, root)
    assert getattr(drift, what) == (one.chunk_id,)
    assert drift.found
    assert drift_between(expected, expected, other).found


def test_one_bit_is_another_vector() -> None:
    """The lowest bit of one float changes the hash; the byte order of the machine does not."""
    vector = np.linspace(0.1, 1, 8, dtype=np.float32)
    assert vector_hash(flip(vector)) != vector_hash(vector)
    assert vector_hash(vector.astype(">f4")) == vector_hash(vector)
