"""Rows of pushes. They are only ever inserted."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

from sqlalchemy import Index, String, Text, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.kernel.database import Base, Transaction, each
from sekisho.ledger.pushing.types import Push


class PushRow(Base):
    __tablename__ = "checkpoint_pushes"
    __table_args__ = (Index("ix_checkpoint_pushes_target_at", "target", "at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    target: Mapped[str] = mapped_column(String(255))
    origin: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    root: Mapped[str] = mapped_column(String(71))
    at: Mapped[int]
    error: Mapped[str | None] = mapped_column(Text)


class PushStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, push: Push) -> None:
        await self._tx.execute(insert(PushRow).values(**dataclasses.asdict(push)))

    async def last_or_none(self, target: str, *, taken: bool = False) -> Push | None:
        """The newest push to a target; with `taken`, the newest that it took."""
        query = select(PushRow).where(PushRow.target == target)
        if taken:
            query = query.where(PushRow.error.is_(None))
        row = await self._tx.scalar(query.order_by(PushRow.at.desc(), PushRow.id.desc()).limit(1))
        return None if row is None else _push(row)

    async def each(self) -> AsyncIterator[Push]:
        async for (row,) in each(self._tx, select(PushRow)):
            yield _push(row)

    async def newest(self, limit: int) -> list[Push]:
        rows = await self._tx.scalars(select(PushRow).order_by(PushRow.at.desc(), PushRow.id.desc()).limit(limit))
        return [_push(row) for row in rows]


def _push(row: PushRow) -> Push:
    return Push(**{field.name: getattr(row, field.name) for field in dataclasses.fields(Push)})
