"""Rows of the call cache: what a model answered to exactly this request."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, String, delete
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.kernel.database import Base, CanonicalJson, Transaction, insert_of


class ModelCallRow(Base):
    __tablename__ = "model_calls"

    key: Mapped[str] = mapped_column(String(71), primary_key=True)
    model_digest: Mapped[str] = mapped_column(String(71), index=True)
    answer: Mapped[Any] = mapped_column(CanonicalJson)
    created_at: Mapped[int]


class ModelCallStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def one_or_none(self, key: str) -> Any | None:
        row = await self._tx.get(ModelCallRow, key)
        return None if row is None else row.answer

    async def delete_since(self, since: int) -> int:
        """Forget every call made at or after a time; gives their number."""
        done = await self._tx.execute(delete(ModelCallRow).where(ModelCallRow.created_at >= since))
        return cast("CursorResult[Any]", done).rowcount

    async def insert_if_absent(self, *, key: str, model_digest: str, answer: dict[str, Any], now: int) -> None:
        """Two workers may have asked the same at once; the first answer stays."""
        await self._tx.execute(
            insert_of(self._tx)(ModelCallRow)
            .values(key=key, model_digest=model_digest, answer=answer, created_at=now)
            .on_conflict_do_nothing()
        )
