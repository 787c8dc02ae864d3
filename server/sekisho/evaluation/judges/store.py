"""Rows of qualifications. None is ever changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.evaluation.judges.types import Qualification
from sekisho.evaluation.types import Origin
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each
from sekisho.kernel.pages import Cursor
from sekisho.kernel.queries import newest_first


class QualificationRow(Base):
    __tablename__ = "qualifications"
    __table_args__ = (
        Index("ix_qualifications_project_instrument", "project", "instrument"),
        Index("ix_qualifications_project_created_at_id", "project", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(16))
    instrument: Mapped[str] = mapped_column(String(71))
    name: Mapped[str] = mapped_column(String(300))
    scorer: Mapped[str] = mapped_column(String(128))
    model: Mapped[str | None] = mapped_column(String(71))
    family: Mapped[str | None] = mapped_column(String(128))
    labels: Mapped[str] = mapped_column(String(71))
    result: Mapped[Any] = mapped_column(CanonicalJson)
    principal: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]


class QualificationStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, found: Qualification) -> None:
        self._tx.add(
            QualificationRow(
                id=found.id, project=found.project, origin=found.origin.value, instrument=found.instrument,
                name=found.name, scorer=found.scorer, model=found.model, family=found.family, labels=found.labels,
                result=dict(found.result), principal=found.principal, created_at=found.created_at,
            )
        )  # fmt: skip
        await self._tx.flush()

    async def each(self) -> AsyncIterator[Qualification]:
        async for (row,) in each(self._tx, select(QualificationRow)):
            yield _qualification(row)

    async def one_or_none(self, qualification_id: str) -> Qualification | None:
        row = await self._tx.get(QualificationRow, qualification_id)
        return None if row is None else _qualification(row)

    async def page(
        self, project: str, instrument: str | None, after: Cursor | None, limit: int
    ) -> tuple[Qualification, ...]:
        """Newest first."""
        query = select(QualificationRow).where(QualificationRow.project == project)
        if instrument is not None:
            query = query.where(QualificationRow.instrument == instrument)
        query = newest_first(query, QualificationRow.created_at, QualificationRow.id, after)
        return tuple(_qualification(row) for row in await self._tx.scalars(query.limit(limit)))

    async def all(self, project: str, instruments: Collection[str]) -> tuple[Qualification, ...]:
        """Every qualification of these instruments, oldest first."""
        rows = await self._tx.scalars(
            select(QualificationRow)
            .where(QualificationRow.project == project, QualificationRow.instrument.in_(instruments))
            .order_by(QualificationRow.created_at, QualificationRow.id)
        )
        return tuple(_qualification(row) for row in rows)


def _qualification(row: QualificationRow) -> Qualification:
    return Qualification(
        id=row.id, project=row.project, instrument=row.instrument, name=row.name, scorer=row.scorer, model=row.model,
        family=row.family, labels=row.labels, result=row.result, principal=row.principal, created_at=row.created_at,
        origin=Origin(row.origin),
    )  # fmt: skip
