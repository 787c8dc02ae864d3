"""Reading many blobs at once, as builds do."""

from __future__ import annotations

import pytest

from sekisho.kernel.database import Database
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import IntegrityFailed, NotFound
from sekisho.registry.blobs import BlobStore
from sekisho.registry.checks import read_blobs
from sekisho.registry.index_kinds import CorpusFile
from sekisho.registry.service import Registry

ONE, TWO = digest_of_bytes(b"one"), digest_of_bytes(b"two")


async def kept(database: Database, **other: bytes) -> None:
    async with database.write() as tx:
        await BlobStore(tx).insert("default", ONE, b"one", 1)
        await BlobStore(tx).insert("default", TWO, other.get("two", b"two"), 1)


async def test_one_that_is_not_there_is_named(database: Database) -> None:
    """Nothing of the others is given either; another project's are not there."""
    await kept(database)
    absent = digest_of_bytes(b"absent")
    async with database.read() as tx:
        with pytest.raises(NotFound, match=absent):
            await read_blobs(tx, "default", [ONE, absent])
        with pytest.raises(NotFound, match=ONE):
            await read_blobs(tx, "elsewhere", [ONE])


async def test_each_is_read_under_its_digest(database: Database) -> None:
    """Also where one is asked for twice; nothing asked for is nothing."""
    await kept(database)
    async with database.read() as tx:
        assert await read_blobs(tx, "default", [TWO, ONE, TWO]) == {ONE: b"one", TWO: b"two"}
        assert await read_blobs(tx, "default", []) == {}


async def test_other_bytes_are_refused(database: Database) -> None:
    """A blob that was changed in the database is not read, nor is one that was erased."""
    await kept(database, two=b"forged")
    async with database.read() as tx:
        with pytest.raises(IntegrityFailed, match=TWO):
            await read_blobs(tx, "default", [ONE, TWO])
    async with database.write() as tx:
        await BlobStore(tx).blank("default", [ONE])
    async with database.read() as tx:
        with pytest.raises(NotFound, match="erased"):
            await read_blobs(tx, "default", [ONE])


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([1] * 450, [200, 200, 50]),
        ([1_500_000, 400_000, 200_000, 3_000_000, 1], [2, 1, 1, 1]),
        ([], []),
    ],
)
async def test_documents_come_as_memory_should_hold_them(
    database: Database, registry: Registry, sizes: list[int], groups: list[int]
) -> None:
    """In their order, not too many and not too large together; one that is larger comes alone."""
    data = [str(n).encode().ljust(size, b".") for n, size in enumerate(sizes)]
    files = [
        CorpusFile(path=f"{n}.txt", digest=digest_of_bytes(one), bytes=len(one), media_type="text/plain")
        for n, one in enumerate(data)
    ]
    async with database.write() as tx:
        for file, one in zip(files, data, strict=True):
            await BlobStore(tx).insert("default", file.digest, one, 1)
    found = [some async for some in registry.documents("default", files)]
    assert [len(some) for some in found] == groups
    assert [pair for some in found for pair in some] == list(zip(files, data, strict=True))
