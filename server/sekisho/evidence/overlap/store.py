"""Rows of overlap checks. None is ever changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.evidence.overlap.types import Overlap
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each


class OverlapRow(Base):
    __tablename__ = "overlap_checks"
    __table_args__ = (Index("ix_overlap_checks_project_prompt_corpus", "project", "prompt", "corpus"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    dataset: Mapped[str] = mapped_column(String(71))
    prompt: Mapped[str] = mapped_column(String(71))
    corpus: Mapped[str] = mapped_column(String(71))
    method: Mapped[str] = mapped_column(String(71))
    cases: Mapped[int]
    untold: Mapped[int]
    in_prompt: Mapped[int]
    in_corpus: Mapped[int]
    found: Mapped[Any] = mapped_column(CanonicalJson)
    principal: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]


_FIELDS = tuple(column.name for column in OverlapRow.__table__.columns)


class OverlapStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, overlap: Overlap) -> None:
        values = {name: getattr(overlap, name) for name in _FIELDS}
        self._tx.add(OverlapRow(**{**values, "found": list(overlap.found)}))
        await self._tx.flush()

    async def each(self) -> AsyncIterator[Overlap]:
        """Every check of every project."""
        async for (row,) in each(self._tx, select(OverlapRow)):
            yield _overlap(row)

    async def all(self, project: str, prompts: Collection[str], corpora: Collection[str]) -> tuple[Overlap, ...]:
        """Every check of one of these prompts with one of these corpora, oldest first."""
        rows = await self._tx.scalars(
            select(OverlapRow)
            .where(OverlapRow.project == project, OverlapRow.prompt.in_(prompts), OverlapRow.corpus.in_(corpora))
            .order_by(OverlapRow.created_at, OverlapRow.id)
        )
        return tuple(_overlap(row) for row in rows)


def _overlap(row: OverlapRow) -> Overlap:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Overlap(**{**values, "found": tuple(row.found)})
