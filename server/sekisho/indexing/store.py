"""Rows of built indexes: the record of each build, and the fingerprint of every chunk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Index, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.indexing.types import BuildRecord, Fingerprint, Integrity
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each
from sekisho.kernel.pages import Cursor
from sekisho.kernel.queries import newest_first

_ROWS_AT_ONCE = 1000


class IndexBuildRow(Base):
    __tablename__ = "index_builds"
    __table_args__ = (
        Index("ix_index_builds_chunks_root_embedder_digest", "chunks_root", "embedder_digest"),
        Index("ix_index_builds_project_built_at", "project", "built_at"),
        Index("ix_index_builds_digest", "digest"),
    )

    project: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(71), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    job_id: Mapped[str] = mapped_column(String(36))
    corpus: Mapped[str] = mapped_column(String(71))
    embedder_digest: Mapped[str] = mapped_column(String(71))
    chunks_root: Mapped[str] = mapped_column(String(71))
    chunks: Mapped[int]
    vectors_root: Mapped[str] = mapped_column(String(71))
    built_at: Mapped[int]
    milliseconds: Mapped[int]
    integrity: Mapped[str] = mapped_column(String(16))
    checked_at: Mapped[int]
    drift: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)


class IndexChunkRow(Base):
    """One chunk of an index. The index's digest decides the chunks, so projects that have the index share the rows."""

    __tablename__ = "index_chunks"

    digest: Mapped[str] = mapped_column(String(71), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    chunk_id: Mapped[str] = mapped_column(String(32))
    chunk_hash: Mapped[str] = mapped_column(String(71))
    vector_hash: Mapped[str] = mapped_column(String(71))


_FIELDS = tuple(column.name for column in IndexBuildRow.__table__.columns)


def _record(row: IndexBuildRow) -> BuildRecord:
    values = {name: getattr(row, name) for name in _FIELDS}
    return BuildRecord(**{**values, "integrity": Integrity(row.integrity)})


class IndexStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def one_or_none(self, project: str, digest: str) -> BuildRecord | None:
        row = await self._tx.get(IndexBuildRow, (project, digest))
        return None if row is None else _record(row)

    async def of_digest(self, digest: str) -> list[BuildRecord]:
        """The index's record in every project that has one, by project."""
        rows = await self._tx.scalars(
            select(IndexBuildRow).where(IndexBuildRow.digest == digest).order_by(IndexBuildRow.project)
        )
        return [_record(row) for row in rows]

    async def integrity(self, project: str, digest: str) -> Integrity:
        """`UNVERIFIED` where the project never built it. Reads no list of drifted chunks, which may be long."""
        found = await self._tx.scalar(
            select(IndexBuildRow.integrity).where(IndexBuildRow.project == project, IndexBuildRow.digest == digest)
        )
        return Integrity.UNVERIFIED if found is None else Integrity(found)

    async def checked(self, digests: Sequence[str]) -> dict[tuple[str, str], int]:
        """When each index was last looked at, in epoch milliseconds, by project and digest where it was built."""
        rows = await self._tx.execute(
            select(IndexBuildRow.project, IndexBuildRow.digest, IndexBuildRow.checked_at).where(
                IndexBuildRow.digest.in_(digests)
            )
        )
        return {(project, digest): checked_at for project, digest, checked_at in rows}

    async def held_elsewhere(self, project: str, digest: str) -> bool:
        """Whether another project has a record of this index."""
        return await self._elsewhere(project, IndexBuildRow.digest == digest)

    async def terms_held_elsewhere(self, project: str, chunks_root: str) -> bool:
        """Whether another project has an index over these chunks."""
        return await self._elsewhere(project, IndexBuildRow.chunks_root == chunks_root)

    async def _elsewhere(self, project: str, condition: Any) -> bool:
        query = select(IndexBuildRow.digest).where(condition, IndexBuildRow.project != project).limit(1)
        return await self._tx.scalar(query) is not None

    async def delete(self, project: str, digest: str) -> None:
        await self._tx.execute(
            delete(IndexBuildRow).where(IndexBuildRow.project == project, IndexBuildRow.digest == digest)
        )

    async def page(self, project: str, after: Cursor | None, limit: int) -> list[BuildRecord]:
        """Newest first."""
        query = select(IndexBuildRow).where(IndexBuildRow.project == project)
        query = newest_first(query, IndexBuildRow.built_at, IndexBuildRow.digest, after)
        return [_record(row) for row in await self._tx.scalars(query.limit(limit))]

    async def upsert(self, record: BuildRecord) -> None:
        values = {name: getattr(record, name) for name in _FIELDS}
        values["integrity"] = record.integrity.value
        await self._tx.merge(IndexBuildRow(**values))
        await self._tx.flush()

    async def mark(self, digest: str, integrity: Integrity, checked_at: int, drift: dict[str, Any] | None) -> None:
        """Say of the index what a check found, in every project: they all read the one collection."""
        await self._tx.execute(
            update(IndexBuildRow)
            .where(IndexBuildRow.digest == digest)
            .values(integrity=integrity.value, checked_at=checked_at, drift=drift)
        )

    async def each(self) -> AsyncIterator[BuildRecord]:
        async for (row,) in each(self._tx, select(IndexBuildRow)):
            yield _record(row)

    async def with_chunks(self) -> list[str]:
        """The digest of every index that has fingerprints."""
        return list(await self._tx.scalars(select(IndexChunkRow.digest).distinct().order_by(IndexChunkRow.digest)))

    async def chunks(self, digest: str) -> list[Fingerprint]:
        """By ordinal; empty where the index was never built."""
        rows = await self._tx.execute(
            select(IndexChunkRow.ordinal, IndexChunkRow.chunk_id, IndexChunkRow.chunk_hash, IndexChunkRow.vector_hash)
            .where(IndexChunkRow.digest == digest)
            .order_by(IndexChunkRow.ordinal)
        )
        return [Fingerprint(*row) for row in rows]

    async def replace_chunks(self, digest: str, chunks: Sequence[Fingerprint]) -> None:
        await self._tx.execute(delete(IndexChunkRow).where(IndexChunkRow.digest == digest))
        rows = (
            {
                "digest": digest,
                "ordinal": one.ordinal,
                "chunk_id": one.chunk_id,
                "chunk_hash": one.chunk_hash,
                "vector_hash": one.vector_hash,
            }
            for one in chunks
        )
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            await self._tx.execute(insert(IndexChunkRow), some)
