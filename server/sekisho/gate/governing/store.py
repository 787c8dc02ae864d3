"""Rows of published policies, activations and shadows. Policies are only ever inserted."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Index, String, Text, UniqueConstraint, and_, func, select, type_coerce, update
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.gate.governing.types import Activation, Origin, Published, Shadow, ShadowFinding
from sekisho.gate.store import DecisionRow
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each


class PolicyRow(Base):
    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("name", "digest"), Index("ix_policies_digest", "digest"))

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(71))
    content: Mapped[Any] = mapped_column(CanonicalJson)
    content_digest: Mapped[str] = mapped_column(String(71))
    base: Mapped[str] = mapped_column(String(71))
    origin: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)
    published_by: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[int]


class ActivationRow(Base):
    __tablename__ = "policy_activations"
    __table_args__ = (UniqueConstraint("seq"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(71))
    from_digest: Mapped[str | None] = mapped_column(String(71))
    reason: Mapped[str] = mapped_column(Text)
    accepted: Mapped[str | None] = mapped_column(Text)
    report: Mapped[Any] = mapped_column(CanonicalJson)
    report_digest: Mapped[str] = mapped_column(String(71))
    proposed_by: Mapped[str] = mapped_column(String(64))
    proposed_with: Mapped[str | None] = mapped_column(String(36))
    proposed_at: Mapped[int]
    approved_by: Mapped[str | None] = mapped_column(String(64))
    approved_at: Mapped[int | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    withdrawn_at: Mapped[int | None]
    seq: Mapped[int | None]
    envelope: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)


class ShadowRow(Base):
    __tablename__ = "policy_shadows"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(71))
    started_by: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[int]
    stopped_by: Mapped[str | None] = mapped_column(String(64))
    stopped_at: Mapped[int | None]


class ShadowFindingRow(Base):
    __tablename__ = "policy_shadow_findings"

    shadow_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    decision_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(String(31))
    decided: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(16))
    answer: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    error: Mapped[str | None] = mapped_column(Text)
    took_ms: Mapped[int]
    judged_at: Mapped[int]


class PolicyStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, published: Published, content: Any) -> None:
        self._tx.add(PolicyRow(**{**_plain(published), "origin": published.origin.value}, content=content))
        await self._tx.flush()

    async def one_or_none(self, name: str, number: int | None = None) -> Published | None:
        """The version of that number, or the newest of that name."""
        query = select(PolicyRow).where(PolicyRow.name == name).order_by(PolicyRow.number.desc()).limit(1)
        if number is not None:
            query = query.where(PolicyRow.number == number)
        row = await self._tx.scalar(query)
        return None if row is None else _published(row)

    async def of_digest_or_none(self, name: str, digest: str) -> Published | None:
        row = await self._tx.scalar(select(PolicyRow).where(PolicyRow.name == name, PolicyRow.digest == digest))
        return None if row is None else _published(row)

    async def content_of(self, name: str, number: int) -> Any:
        """What the version holds, as it stands in the database now."""
        query = select(PolicyRow.content).where(PolicyRow.name == name, PolicyRow.number == number)
        return await self._tx.scalar(query)

    async def newest_of_base_or_none(self, name: str, base: str) -> Published | None:
        """The newest version of that name that rests on these built-in rules."""
        query = select(PolicyRow).where(PolicyRow.name == name, PolicyRow.base == base)
        row = await self._tx.scalar(query.order_by(PolicyRow.number.desc()).limit(1))
        return None if row is None else _published(row)

    async def all(self, name: str | None = None) -> tuple[Published, ...]:
        """By name, and newest first in each."""
        query = select(PolicyRow).order_by(PolicyRow.name, PolicyRow.number.desc())
        rows = await self._tx.scalars(query if name is None else query.where(PolicyRow.name == name))
        return tuple(map(_published, rows))

    async def each(self) -> AsyncIterator[tuple[Published, Any]]:
        """Every version with its content."""
        async for (row,) in each(self._tx, select(PolicyRow)):
            yield _published(row), row.content


class ActivationStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, activation: Activation) -> None:
        self._tx.add(ActivationRow(**_plain(activation)))
        await self._tx.flush()

    async def one_or_none(self, activation_id: str) -> Activation | None:
        row = await self._tx.get(ActivationRow, activation_id, populate_existing=True)
        return None if row is None else _activation(row)

    async def as_kept(self, activation_id: str) -> tuple[Activation, str, str, str] | None:
        """With the digests of the policy that it names, and that policy's content as it is kept, not decoded."""
        content = type_coerce(PolicyRow.content, Text)
        query = select(ActivationRow, PolicyRow.digest, PolicyRow.content_digest, content)
        query = query.join(
            PolicyRow, and_(PolicyRow.name == ActivationRow.name, PolicyRow.number == ActivationRow.number)
        ).where(ActivationRow.id == activation_id)
        found = (await self._tx.execute(query, execution_options={"populate_existing": True})).one_or_none()
        return None if found is None else (_activation(found[0]), found[1], found[2], found[3])

    async def place_in_force(self) -> tuple[str, int] | None:
        """Id and place of the activation that put the policy in force that is in force now."""
        query = select(ActivationRow.id, ActivationRow.seq).where(ActivationRow.seq.is_not(None))
        row = (await self._tx.execute(query.order_by(ActivationRow.seq.desc()).limit(1))).first()
        return None if row is None else (row[0], row[1] or 0)

    async def in_force_or_none(self) -> Activation | None:
        found = await self.place_in_force()
        return None if found is None else await self.one_or_none(found[0])

    async def all(self, *, limit: int = 100) -> tuple[Activation, ...]:
        """Newest first."""
        query = select(ActivationRow).order_by(ActivationRow.proposed_at.desc(), ActivationRow.id.desc())
        return tuple(map(_activation, await self._tx.scalars(query.limit(limit))))

    async def each(self) -> AsyncIterator[Activation]:
        async for (row,) in each(self._tx, select(ActivationRow)):
            yield _activation(row)

    async def next_seq(self) -> int:
        return (await self._tx.scalar(select(func.max(ActivationRow.seq))) or 0) + 1

    async def activate(self, activation: Activation) -> bool:
        """Whether that changed anything: what is active or withdrawn stays so."""
        done = await self._tx.execute(
            update(ActivationRow)
            .where(ActivationRow.id == activation.id, ActivationRow.seq.is_(None))
            .where(ActivationRow.withdrawn_at.is_(None))
            .values(
                seq=activation.seq,
                approved_by=activation.approved_by,
                approved_at=activation.approved_at,
                envelope=activation.envelope,
            )
        )
        return cast("CursorResult[Any]", done).rowcount == 1

    async def withdraw(self, activation_id: str, principal: str, now: int) -> bool:
        """Whether that changed anything."""
        done = await self._tx.execute(
            update(ActivationRow)
            .where(ActivationRow.id == activation_id, ActivationRow.seq.is_(None))
            .where(ActivationRow.withdrawn_at.is_(None))
            .values(withdrawn_by=principal, withdrawn_at=now)
        )
        return cast("CursorResult[Any]", done).rowcount == 1


class ShadowStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, shadow: Shadow) -> None:
        self._tx.add(ShadowRow(**_plain(shadow)))
        await self._tx.flush()

    async def standing_or_none(self) -> Shadow | None:
        """The one that was not stopped."""
        query = select(ShadowRow).where(ShadowRow.stopped_at.is_(None)).order_by(ShadowRow.started_at.desc())
        row = await self._tx.scalar(query.limit(1))
        return None if row is None else Shadow(**_fields(row, Shadow))

    async def newest_or_none(self, shadow_id: str | None = None) -> Shadow | None:
        """The shadow of that id, or the one that began last."""
        query = select(ShadowRow).order_by(ShadowRow.started_at.desc(), ShadowRow.id.desc()).limit(1)
        row = await self._tx.scalar(query if shadow_id is None else query.where(ShadowRow.id == shadow_id))
        return None if row is None else Shadow(**_fields(row, Shadow))

    async def stop(self, shadow_id: str, principal: str, now: int) -> bool:
        """Whether that changed anything."""
        done = await self._tx.execute(
            update(ShadowRow)
            .where(ShadowRow.id == shadow_id, ShadowRow.stopped_at.is_(None))
            .values(stopped_by=principal, stopped_at=now)
        )
        return cast("CursorResult[Any]", done).rowcount == 1

    async def each(self) -> AsyncIterator[Shadow]:
        async for (row,) in each(self._tx, select(ShadowRow)):
            yield Shadow(**_fields(row, Shadow))

    async def add(self, findings: Sequence[ShadowFinding]) -> None:
        self._tx.add_all([ShadowFindingRow(**_plain(finding)) for finding in findings])
        await self._tx.flush()

    async def each_finding(self) -> AsyncIterator[ShadowFinding]:
        async for (row,) in each(self._tx, select(ShadowFindingRow)):
            yield ShadowFinding(**_fields(row, ShadowFinding))

    async def findings(self, shadow_id: str) -> AsyncIterator[ShadowFinding]:
        """What it said so far, in no order."""
        query = select(ShadowFindingRow).where(ShadowFindingRow.shadow_id == shadow_id)
        async for (row,) in each(self._tx, query):
            yield ShadowFinding(**_fields(row, ShadowFinding))

    async def decided_between(self, first: int, last: int) -> int:
        """How many decisions were kept in that time, both ends included."""
        query = select(func.count()).select_from(DecisionRow)
        return await self._tx.scalar(query.where(DecisionRow.decided_at.between(first, last))) or 0


class PastStore:
    """The gate's own decisions, as they are held to another policy."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def last(self, count: int) -> Sequence[tuple[str, str, str, str, Any]]:
        """Id, project, subject, stage and input of the last decisions of every project, newest first."""
        rows = await self._tx.scalars(
            select(DecisionRow).order_by(DecisionRow.decided_at.desc(), DecisionRow.id.desc()).limit(count)
        )
        return [(row.id, row.project, f"{row.kind}/{row.name}@v{row.number}", row.stage, row.input) for row in rows]


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _fields(row: Any, kind: type[Any]) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in dataclasses.fields(kind)}


def _published(row: PolicyRow) -> Published:
    return Published(**{**_fields(row, Published), "origin": Origin(row.origin)})


def _activation(row: ActivationRow) -> Activation:
    return Activation(**_fields(row, Activation))
