"""Rows of the call cache: what a model answered to exactly this request."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.kernel.database import Base, CanonicalJson, Transaction


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

    async def one_or_none(self, key: str) -> Any | None:
        row = await self._tx.get(ModelCallRow, key)
        return None if row is None else row.answer

    async def insert_if_absent(self, *, key: str, model_digest: str, answer: dict[str, Any], now: int) -> None:
        """Two workers may have asked the same at once; the first answer stays."""
        insert = sqlite.insert if self._tx.get_bind().dialect.name == "sqlite" else postgresql.insert
        await self._tx.execute(
            insert(ModelCallRow)
            .values(key=key, model_digest=model_digest, answer=answer, created_at=now)
            .on_conflict_do_nothing()
        )
