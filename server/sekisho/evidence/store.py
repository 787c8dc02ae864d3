"""Rows of cards. A card is never changed; a newer one about the same digest takes its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

import msgspec
from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.evidence.types import Card, CardDocument
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each


class CardRow(Base):
    __tablename__ = "cards"
    __table_args__ = (Index("ix_cards_project_subject", "project", "subject"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(71))
    name: Mapped[str] = mapped_column(String(64))
    document: Mapped[Any] = mapped_column(CanonicalJson)
    principal: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]


class CardStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, card: Card) -> None:
        row = CardRow(
            id=card.id,
            project=card.project,
            subject=card.subject,
            name=card.name,
            document=msgspec.to_builtins(card.document),
            principal=card.principal,
            created_at=card.created_at,
        )
        self._tx.add(row)
        await self._tx.flush()

    async def each(self) -> AsyncIterator[Card]:
        """Every card of every project."""
        async for (row,) in each(self._tx, select(CardRow)):
            yield _card(row)

    async def all(self, project: str, subjects: Collection[str]) -> tuple[Card, ...]:
        """Every card about these digests, newest first."""
        rows = await self._tx.scalars(
            select(CardRow)
            .where(CardRow.project == project, CardRow.subject.in_(subjects))
            .order_by(CardRow.created_at.desc(), CardRow.id.desc())
        )
        return tuple(_card(row) for row in rows)


def _card(row: CardRow) -> Card:
    document = msgspec.convert(row.document, CardDocument)
    return Card(row.id, row.project, row.subject, row.name, document, row.principal, row.created_at)
