"""Rows of questions to OPA and of its log. They are only ever inserted."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Index, String, and_, func, select
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.gate.decision_logs.types import Asked, Logged
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each, insert_of

_PART = 500


class AskedRow(Base):
    __tablename__ = "opa_questions"
    __table_args__ = (Index("ix_opa_questions_asked_at", "asked_at"),)

    decision_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    asked_at: Mapped[int]
    input_digest: Mapped[str] = mapped_column(String(71))
    answer_digest: Mapped[str | None] = mapped_column(String(71))
    policy_digest: Mapped[str | None] = mapped_column(String(71))


class LoggedRow(Base):
    __tablename__ = "opa_log_lines"
    __table_args__ = (Index("ix_opa_log_lines_received_at", "received_at"),)

    decision_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    content_digest: Mapped[str] = mapped_column(String(71), primary_key=True)
    received_at: Mapped[int]
    input_digest: Mapped[str | None] = mapped_column(String(71))
    answer_digest: Mapped[str | None] = mapped_column(String(71))
    policy_digest: Mapped[str | None] = mapped_column(String(71))
    altered: Mapped[bool]
    line: Mapped[Any] = mapped_column(CanonicalJson)


_ABOUT = AskedRow.decision_id == LoggedRow.decision_id
_SAME = and_(
    LoggedRow.altered.is_(False),
    LoggedRow.input_digest.is_not_distinct_from(AskedRow.input_digest),
    LoggedRow.answer_digest.is_not_distinct_from(AskedRow.answer_digest),
    LoggedRow.policy_digest.is_not_distinct_from(AskedRow.policy_digest),
)


class DecisionLogStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert_asked(self, asked: Asked) -> bool:
        """Whether it is new: an id that stands already keeps what it stands for, and its second answer differs."""
        insert = insert_of(self._tx)
        statement = insert(AskedRow).values(**dataclasses.asdict(asked)).on_conflict_do_nothing()
        return await self._tx.scalar(statement.returning(AskedRow.decision_id)) is not None

    async def insert_logged(self, lines: Sequence[Logged]) -> list[Logged]:
        """Those that were not here yet: OPA sends a chunk again where it did not hear that it was taken."""
        insert, new = insert_of(self._tx), []
        for line in lines:
            statement = insert(LoggedRow).values(**dataclasses.asdict(line)).on_conflict_do_nothing()
            if await self._tx.scalar(statement.returning(LoggedRow.decision_id)) is not None:
                new.append(line)
        return new

    async def each_asked(self) -> AsyncIterator[Asked]:
        async for (row,) in each(self._tx, select(AskedRow)):
            yield _asked(row)

    async def each_logged(self) -> AsyncIterator[Logged]:
        async for (row,) in each(self._tx, select(LoggedRow)):
            yield _logged(row)

    async def asked(self, ids: Sequence[str]) -> dict[str, Asked]:
        """What is known of these questions, by OPA's name for them."""
        found: dict[str, Asked] = {}
        for start in range(0, len(ids), _PART):
            query = select(AskedRow).where(AskedRow.decision_id.in_(ids[start : start + _PART]))
            found.update({row.decision_id: _asked(row) for row in await self._tx.scalars(query)})
        return found

    async def counts(self, since: int, due: int) -> Mapping[str, int]:
        """Questions asked and lines received since, by how they stand; what was asked after `due` may still come."""
        differing = select(func.count()).select_from(LoggedRow).join(AskedRow, _ABOUT)
        recent = LoggedRow.received_at >= since
        return {
            "agrees": await self._count(differing.where(recent, _SAME)),
            "differs": await self._count(differing.where(recent, ~_SAME)),
            "missing": await self._count(_unlogged(select(func.count()).select_from(AskedRow), since, due)),
            "strange": await self._count(_unasked(select(func.count()).select_from(LoggedRow), since)),
        }

    async def differing(self, since: int, limit: int) -> list[tuple[Asked, Logged]]:
        """Pairs that do not say the same, newest first."""
        query = select(AskedRow, LoggedRow).join(LoggedRow, _ABOUT).where(LoggedRow.received_at >= since)
        query = query.where(~_SAME).order_by(LoggedRow.received_at.desc(), LoggedRow.decision_id).limit(limit)
        return [(_asked(one), _logged(other)) for one, other in (await self._tx.execute(query)).all()]

    async def missing(self, since: int, due: int, limit: int) -> list[Asked]:
        """Questions whose line has not come, newest first."""
        query = _unlogged(select(AskedRow), since, due)
        query = query.order_by(AskedRow.asked_at.desc(), AskedRow.decision_id).limit(limit)
        return [_asked(row) for row in await self._tx.scalars(query)]

    async def strange(self, since: int, limit: int) -> list[Logged]:
        """Lines about questions that were not ours, newest first."""
        query = _unasked(select(LoggedRow), since)
        query = query.order_by(LoggedRow.received_at.desc(), LoggedRow.decision_id).limit(limit)
        return [_logged(row) for row in await self._tx.scalars(query)]

    async def _count(self, query: Any) -> int:
        return await self._tx.scalar(query) or 0


def _unlogged(query: Any, since: int, due: int) -> Any:
    line = select(LoggedRow.decision_id).where(_ABOUT).exists()
    return query.where(AskedRow.asked_at >= since, AskedRow.asked_at <= due, ~line)


def _unasked(query: Any, since: int) -> Any:
    return query.where(LoggedRow.received_at >= since, ~select(AskedRow.decision_id).where(_ABOUT).exists())


def _asked(row: AskedRow) -> Asked:
    return Asked(**{field.name: getattr(row, field.name) for field in dataclasses.fields(Asked)})


def _logged(row: LoggedRow) -> Logged:
    return Logged(**{field.name: getattr(row, field.name) for field in dataclasses.fields(Logged)})
