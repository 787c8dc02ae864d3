"""Rows of cards, attested documents and licence scans.

None is ever changed: a newer one about the same digest takes its place. A document may be withdrawn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Collection
from typing import Any, cast

import msgspec
from sqlalchemy import CursorResult, Index, String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.evidence.types import Attested, Card, CardDocument, LicenceFinding, LicenceScan
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each
from sekisho.kernel.queries import newest_first


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


class AttestedRow(Base):
    __tablename__ = "attested_documents"
    __table_args__ = (Index("ix_attested_documents_project_subject", "project", "subject"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    type: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(71))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    document: Mapped[str] = mapped_column(Text)
    licence: Mapped[str] = mapped_column(String(200))
    principal: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[int]
    expires_at: Mapped[int]
    withdrawn_at: Mapped[int | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))


class LicenceScanRow(Base):
    __tablename__ = "licence_scans"
    __table_args__ = (Index("ix_licence_scans_project_subject", "project", "subject"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(71))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    scanner: Mapped[str] = mapped_column(String(64))
    findings: Mapped[Any] = mapped_column(CanonicalJson)
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
        rows = await self._tx.scalars(_about(CardRow, project, subjects))
        return tuple(_card(row) for row in rows)


class AttestedStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, attested: Attested) -> None:
        self._tx.add(AttestedRow(**_plain(attested)))
        await self._tx.flush()

    async def one_or_none(self, project: str, document_id: str) -> Attested | None:
        row = await self._tx.get(AttestedRow, document_id, populate_existing=True)
        return Attested(**_fields(row, Attested)) if row is not None and row.project == project else None

    async def withdraw(self, document_id: str, principal: str, now: int) -> bool:
        """Whether that changed anything: what is withdrawn keeps its time."""
        done = await self._tx.execute(
            update(AttestedRow)
            .where(AttestedRow.id == document_id, AttestedRow.withdrawn_at.is_(None))
            .values(withdrawn_at=now, withdrawn_by=principal)
        )
        return cast("CursorResult[Any]", done).rowcount == 1

    async def each(self) -> AsyncIterator[Attested]:
        """Every document of every project."""
        async for (row,) in each(self._tx, select(AttestedRow)):
            yield Attested(**_fields(row, Attested))

    async def all(self, project: str, subjects: Collection[str]) -> tuple[Attested, ...]:
        """Every document about these digests, newest first, whatever became of it."""
        rows = await self._tx.scalars(_about(AttestedRow, project, subjects))
        return tuple(Attested(**_fields(row, Attested)) for row in rows)


class LicenceScanStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, scan: LicenceScan) -> None:
        self._tx.add(LicenceScanRow(**{**_plain(scan), "findings": msgspec.to_builtins(scan.findings)}))
        await self._tx.flush()

    async def each(self) -> AsyncIterator[LicenceScan]:
        """Every scan of every project."""
        async for (row,) in each(self._tx, select(LicenceScanRow)):
            yield _scan(row)

    async def all(self, project: str, subjects: Collection[str]) -> tuple[LicenceScan, ...]:
        """Every scan of these digests, newest first."""
        rows = await self._tx.scalars(_about(LicenceScanRow, project, subjects))
        return tuple(map(_scan, rows))


def _about(row: Any, project: str, subjects: Collection[str]) -> Any:
    """The rows of a table that are about these digests, newest first."""
    return newest_first(select(row).where(row.project == project, row.subject.in_(subjects)), row.created_at, row.id)


def _card(row: CardRow) -> Card:
    document = msgspec.convert(row.document, CardDocument)
    return Card(row.id, row.project, row.subject, row.name, document, row.principal, row.created_at)


def _scan(row: LicenceScanRow) -> LicenceScan:
    findings = msgspec.convert(row.findings, tuple[LicenceFinding, ...])
    return LicenceScan(**{**_fields(row, LicenceScan), "findings": findings})


def _plain(value: Attested | LicenceScan) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _fields(row: Any, kind: type[Any]) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in dataclasses.fields(kind)}
