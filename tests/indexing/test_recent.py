"""What is remembered of the indexes that were opened last, and what is asked anew each time all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from sekisho.indexing.packed import Fingerprints
from sekisho.indexing.recent import Read, RecentIndexes
from sekisho.indexing.store import IndexChunkRow, IndexStore
from sekisho.indexing.types import BuildRecord, Fingerprint, Integrity
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import IntegrityFailed
from sekisho.registry.index_kinds import DocumentFilter
from tests.indexing.tampering import alter, raw_collection, rewrite
from tests.indexing.worlds import World

BODY = digest_of("body")


def record_of(name: str, vectors: str = "first") -> BuildRecord:
    return BuildRecord(
        project="default", digest=digest_of(name), name=name, number=1, job_id="job", corpus=BODY, embedder_digest=BODY,
        chunks_root=BODY, chunks=2, vectors_root=digest_of(vectors), built_at=0, milliseconds=0,
        integrity=Integrity.VERIFIED, checked_at=0, drift=None,
    )  # fmt: skip


def read_of(chunks: int) -> Read:
    prints = [Fingerprint(n, f"{n:032x}", BODY, BODY) for n in range(chunks)]
    return Read(prints, {one.chunk_id: one.ordinal for one in prints}, None, {})


async def built(world: World, mode: str = "hybrid") -> str:
    job = await world.build(await world.corpus(), mode)
    assert job.result is not None
    return str(job.result["digest"])


async def test_a_record_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second search answers the same without the rows, the texts or the files of terms."""
    digest = await built(world)
    first = await (await world.indexing.open("default", digest)).search("gate decision")

    def gone(*_: Any) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(IndexStore, "chunks", gone)
    monkeypatch.setattr(type(world.indexing.term_indexes), "open", gone)
    assert await (await world.indexing.open("default", digest)).search("gate decision") == first


async def test_drift_is_asked_at_every_opening(world: World) -> None:
    """What was opened before is refused once a verification found drift, and when the store lacks chunks."""
    digest = await built(world)
    await world.indexing.open("default", digest)
    collection = raw_collection(world.indexing.vectors, digest)
    [victim] = collection.get(limit=1)["ids"]
    rewrite(collection, victim)
    await world.verify(digest)
    with pytest.raises(IntegrityFailed, match="found drift"):
        await world.indexing.open("default", digest)
    world.indexing.vectors.delete(f"sha256-{digest.removeprefix('sha256:')}")
    async with world.database.write() as tx:
        await IndexStore(tx).mark(digest, Integrity.VERIFIED, 0, None)
    with pytest.raises(IntegrityFailed, match="holds 0 of its"):
        await world.indexing.open("default", digest)


@pytest.mark.parametrize("change", [{"vector_hash": "no digest"}, {"ordinal": 40}])
async def test_a_record_that_was_altered_opens_nothing(world: World, change: dict[str, Any]) -> None:
    """A word that is no digest, a place that is missing: said at the opening, and nothing is remembered."""
    digest = await built(world)
    async with world.database.write() as tx:
        await tx.execute(
            update(IndexChunkRow).where(IndexChunkRow.digest == digest, IndexChunkRow.ordinal == 0).values(**change)
        )
    for _ in range(2):
        with pytest.raises(IntegrityFailed, match="altered"):
            await world.indexing.open("default", digest)


async def test_rows_that_are_gone_open_nothing(world: World) -> None:
    """The record says how many there are."""
    digest = await built(world)
    async with world.database.write() as tx:
        await IndexStore(tx).replace_chunks(digest, ())
    with pytest.raises(IntegrityFailed, match="0 of its"):
        await world.indexing.open("default", digest)


async def test_a_filter_is_worked_out_once(world: World) -> None:
    """It asks for every chunk's document, which the next search of the index need not."""
    digest = await built(world)
    only = DocumentFilter(path_prefix="en/")
    await (await world.indexing.open("default", digest)).search("gate", 5, only)
    again = await world.indexing.open("default", digest)
    assert set(again.chosen) == {only}
    assert {hit.document for hit in await again.search("gate", 5, only)} == {"en/gate.md"}


async def test_what_an_altered_store_said_is_forgotten_once_it_is_mended(world: World) -> None:
    """A filter asks the store for paths; after drift and a new build of the same bits it asks again."""
    digest = await built(world)
    only, collection = DocumentFilter(path_prefix="en/"), raw_collection(world.indexing.vectors, digest)
    for one in collection.get()["ids"]:
        alter(collection, one, document="elsewhere.md")
    assert await (await world.indexing.open("default", digest)).search("gate", 5, only) == []
    world.clock.advance(5)
    await world.verify(digest)
    world.clock.advance(5)
    assert await built(world) == digest
    found = await (await world.indexing.open("default", digest)).search("gate", 5, only)
    assert {hit.document for hit in found} == {"en/gate.md"}


def test_the_oldest_are_let_go() -> None:
    """No more than so many chunks together; of one alone any number."""
    recent = RecentIndexes(most_chunks=5)
    first, second, third = map(record_of, ("first", "second", "third"))
    recent.keep(first, read_of(2))
    recent.keep(second, read_of(2))
    assert recent.get(first) is not None
    recent.keep(third, read_of(3))
    assert [recent.get(one) is None for one in (first, second, third)] == [False, True, False]
    recent.keep(second, read_of(50))
    assert [recent.get(one) is None for one in (first, second, third)] == [True, False, True]


def test_another_build_is_another_record() -> None:
    """The same digest with vectors of other bits is not what was read before."""
    recent = RecentIndexes()
    recent.keep(record_of("docs"), read_of(2))
    assert recent.get(record_of("docs", "second")) is None
    assert recent.get(replace(record_of("docs"), integrity=Integrity.UNVERIFIED)) is not None
    assert recent.get(replace(record_of("docs"), checked_at=9)) is None
    recent.forget(digest_of("docs"))
    assert recent.get(record_of("docs")) is None


@pytest.mark.parametrize(
    "given",
    [
        [Fingerprint(1, f"{0:032x}", BODY, BODY)],
        [Fingerprint(0, "short", BODY, BODY)],
        [Fingerprint(0, f"{0:032x}", "sha256:zz", BODY)],
    ],
)
def test_what_is_no_fingerprint_is_not_packed(given: list[Fingerprint]) -> None:
    """A gap in the ordinals, an id or a digest of another form."""
    with pytest.raises(ValueError, match=r".+"):
        Fingerprints.of(given)


def test_fingerprints_come_out_as_they_went_in() -> None:
    """One by one, all of them, and in slices."""
    given = [Fingerprint(n, f"{n:032x}", digest_of(n), digest_of(-n)) for n in range(9)]
    made = Fingerprints.of(given)
    assert list(made) == made[:] == [made[n] for n in range(9)] == given
    assert made[2:7:2] == given[2:7:2]
