"""Rows of the call cache: what a model answered to exactly this request."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any, cast

from sqlalchemy import CursorResult, String, Text, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.inference.types import HostSeen, Kept
from sekisho.kernel.database import Base, CanonicalJson, Transaction, insert_of


class ModelCallRow(Base):
    __tablename__ = "model_calls"

    key: Mapped[str] = mapped_column(String(71), primary_key=True)
    model_digest: Mapped[str] = mapped_column(String(71), index=True)
    answer: Mapped[Any] = mapped_column(CanonicalJson)
    created_at: Mapped[int]


class ModelHostRow(Base):
    __tablename__ = "model_hosts"

    host: Mapped[str] = mapped_column(String(500), primary_key=True)
    circuit: Mapped[str] = mapped_column(String(16))
    places: Mapped[int | None]
    decided: Mapped[str] = mapped_column(Text)
    calls: Mapped[int]
    failures: Mapped[int]
    at: Mapped[int]


class ModelCallStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def some(self, keys: Collection[str]) -> dict[str, Any]:
        """The answers that are kept under these keys."""
        query = select(ModelCallRow.key, ModelCallRow.answer).where(ModelCallRow.key.in_(list(keys)))
        return {row.key: row.answer for row in await self._tx.execute(query)}

    async def delete_since(self, since: int) -> int:
        """Forget every call made at or after a time; gives their number."""
        done = await self._tx.execute(delete(ModelCallRow).where(ModelCallRow.created_at >= since))
        return cast("CursorResult[Any]", done).rowcount

    async def insert_if_absent(self, rows: Sequence[Kept], now: int) -> None:
        """Two workers may have asked the same at once; the first answer stays."""
        values = [
            {"key": row.key, "model_digest": row.model_digest, "answer": dict(row.answer), "created_at": now}
            for row in {row.key: row for row in rows}.values()
        ]
        await self._tx.execute(insert_of(self._tx)(ModelCallRow.__table__).on_conflict_do_nothing(), values)


class ModelHostStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def all(self) -> dict[str, HostSeen]:
        """What workers said of each host, by host."""
        rows = await self._tx.scalars(select(ModelHostRow))
        return {
            row.host: HostSeen(row.host, row.circuit, row.places, row.decided, row.calls, row.failures, row.at)
            for row in rows
        }

    async def replace(self, seen: Sequence[HostSeen]) -> None:
        """The last word stays."""
        for one in seen:
            row = asdict(one)
            insert = insert_of(self._tx)(ModelHostRow).values(row)
            await self._tx.execute(insert.on_conflict_do_update(index_elements=["host"], set_=row))
