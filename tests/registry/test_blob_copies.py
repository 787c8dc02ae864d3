"""Blobs copied into files, a piece at a time."""

from __future__ import annotations

from tempfile import TemporaryFile

import pytest
from sqlalchemy import text

from sekisho.kernel.database import Database
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import IntegrityFailed, NotFound
from sekisho.registry.blobs import PIECE, BlobStore
from sekisho.registry.checks import copy_blob


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
async def test_a_copy_is_the_blob(database: Database, size: int) -> None:
    """Whatever its size is to that of a piece; the file stands at its beginning."""
    data = bytes(n % 251 for n in range(size))
    async with database.write() as tx:
        await BlobStore(tx).insert("default", digest_of_bytes(data), data, 0)
    with TemporaryFile() as file:
        async with database.read() as tx:
            await copy_blob(tx, "default", digest_of_bytes(data), file)
        assert file.read() == data


async def test_what_is_not_there_is_not_found(database: Database) -> None:
    """Nor is another project's."""
    async with database.write() as tx:
        await BlobStore(tx).insert("other", digest_of_bytes(b"x"), b"x", 0)
    with TemporaryFile() as file:
        async with database.read() as tx:
            with pytest.raises(NotFound):
                await copy_blob(tx, "default", digest_of_bytes(b"x"), file)


async def test_an_altered_blob_is_noticed(database: Database) -> None:
    """Its digest is computed from what was copied."""
    digest = digest_of_bytes(b"what was put")
    async with database.write() as tx:
        await BlobStore(tx).insert("default", digest, b"what was put", 0)
        await tx.execute(text("UPDATE blobs SET data = :data"), {"data": b"what somebody put"})
    with TemporaryFile() as file:
        async with database.read() as tx:
            with pytest.raises(IntegrityFailed):
                await copy_blob(tx, "default", digest, file)
