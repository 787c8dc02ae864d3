"""Blobs in the database: bytes of a project by their digest."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from typing import IO, Any, Final, cast

from sqlalchemy import LargeBinary, func, literal_column, select, update

from sekisho.kernel.database import Transaction, insert_of
from sekisho.registry.rows import BlobRow

PIECE: Final = 1 << 16
"""Bytes of a blob that are in memory at a time while it is copied."""


class BlobStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, project: str, digest: str, data: bytes, now: int) -> None:
        """Keep the bytes; nothing happens where they are kept already."""
        row = {"project": project, "digest": digest, "size": len(data), "data": data, "created_at": now}
        await self._tx.execute(insert_of(self._tx)(BlobRow).values(row).on_conflict_do_nothing())

    async def one_or_none(self, project: str, digest: str) -> bytes | None:
        query = select(BlobRow.data).where(BlobRow.project == project, BlobRow.digest == digest)
        return cast("bytes | None", await self._tx.scalar(query))

    async def some(self, project: str, digests: Sequence[str]) -> dict[str, bytes]:
        """The bytes of each of these blobs that is there."""
        query = select(BlobRow.digest, BlobRow.data).where(BlobRow.project == project, BlobRow.digest.in_(digests))
        return {row.digest: row.data for row in (await self._tx.execute(query)).all()}

    async def copy(self, project: str, digest: str, file: IO[bytes]) -> bool:
        """Write the bytes to a file, a piece at a time; False where there are none."""
        if self._tx.get_bind().dialect.name == "sqlite":
            return await self._copy_sqlite(project, digest, file)
        size = (await self.sizes(project, [digest])).get(digest)
        for start in range(1, (size or 0) + 1, PIECE):
            part = select(func.substr(BlobRow.data, start, PIECE, type_=LargeBinary)).where(
                BlobRow.project == project, BlobRow.digest == digest
            )
            file.write(await self._tx.scalar(part) or b"")
        return size is not None

    async def _copy_sqlite(self, project: str, digest: str, file: IO[bytes]) -> bool:
        """By SQLite's own handle on the value: `substr` would read all of it for each piece."""
        query: Any = select(literal_column("rowid")).where(BlobRow.project == project, BlobRow.digest == digest)
        row = await self._tx.scalar(query.select_from(BlobRow))
        if row is None:
            return False
        connection = (await (await self._tx.connection()).get_raw_connection()).driver_connection
        await cast(Any, connection)._execute(_copy_blob, cast(Any, connection)._conn, row, file)
        return True

    async def each(self) -> AsyncIterator[tuple[str, str, bytes]]:
        """Every blob's project, digest and bytes, one at a time: they may be large."""
        query = select(BlobRow.project, BlobRow.digest, BlobRow.data).execution_options(yield_per=1)
        async for project, digest, data in await self._tx.stream(query):
            yield project, digest, data

    async def blank(self, project: str, digests: Sequence[str]) -> None:
        """Erase the bytes. The row stays, so that they cannot be put again under their digest."""
        await self._tx.execute(
            update(BlobRow).where(BlobRow.project == project, BlobRow.digest.in_(digests)).values(data=b"", size=0)
        )

    async def sizes(self, project: str, digests: Sequence[str]) -> dict[str, int]:
        """The size of each of these blobs that is there."""
        found: dict[str, int] = {}
        for start in range(0, len(digests), 500):
            part = digests[start : start + 500]
            query = select(BlobRow.digest, BlobRow.size).where(BlobRow.project == project, BlobRow.digest.in_(part))
            found |= {row.digest: row.size for row in (await self._tx.execute(query)).all()}
        return found


def _copy_blob(connection: sqlite3.Connection, row: int, file: IO[bytes]) -> None:
    with connection.blobopen(BlobRow.__tablename__, "data", row, readonly=True) as blob:
        while part := blob.read(PIECE):
            file.write(part)
