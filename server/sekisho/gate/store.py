"""Rows of decisions, promotions, approvals and waivers. They are only ever inserted, but that a waiver is withdrawn."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Index, String, Text, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.gate.records import Approval, Decision, GateAction, Promotion, Waiver
from sekisho.gate.types import Outcome
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each
from sekisho.kernel.pages import Cursor, Page, page_of
from sekisho.kernel.queries import newest_first


class DecisionRow(Base):
    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_project_decided_at", "project", "decided_at"),
        Index("ix_decisions_outcome", "outcome"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(71))
    number: Mapped[int]
    action: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str] = mapped_column(String(31))
    outcome: Mapped[str] = mapped_column(String(16))
    requester: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[int]
    input: Mapped[Any] = mapped_column(CanonicalJson)
    input_digest: Mapped[str] = mapped_column(String(71))
    evidence_hash: Mapped[str] = mapped_column(String(71))
    policy_digest: Mapped[str] = mapped_column(String(71))
    engine: Mapped[str] = mapped_column(String(64))
    answer: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    error: Mapped[str | None] = mapped_column(Text)
    dependencies: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    override: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    waivers: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    envelope: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    ledger_seq: Mapped[int | None]


class PromotionRow(Base):
    __tablename__ = "promotions"
    __table_args__ = (
        UniqueConstraint("project", "requester", "idempotency_key"),
        Index("ix_promotions_project_created_at", "project", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(71))
    action: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str] = mapped_column(String(31))
    requester: Mapped[str] = mapped_column(String(64))
    idempotency_key: Mapped[str | None] = mapped_column(String(128))
    request_digest: Mapped[str] = mapped_column(String(71))
    decision_id: Mapped[str] = mapped_column(String(36))
    applied: Mapped[bool]
    from_digest: Mapped[str | None] = mapped_column(String(71))
    created_at: Mapped[int]


class ApprovalRow(Base):
    __tablename__ = "approvals"
    __table_args__ = (Index("ix_approvals_project_digest_stage", "project", "digest", "stage"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    principal: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(71))
    stage: Mapped[str] = mapped_column(String(31))
    evidence_hash: Mapped[str] = mapped_column(String(71))
    token_id: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[int]
    expires_at: Mapped[int]


class WaiverRow(Base):
    __tablename__ = "waivers"
    __table_args__ = (
        Index("ix_waivers_project_digest_stage", "project", "digest", "stage"),
        Index("ix_waivers_project_created_at", "project", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    principal: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(71))
    number: Mapped[int]
    stage: Mapped[str] = mapped_column(String(31))
    rule: Mapped[str] = mapped_column(String(6))
    reason: Mapped[str] = mapped_column(Text)
    token_id: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[int]
    expires_at: Mapped[int]
    withdrawn_at: Mapped[int | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))


class DecisionStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, decision: Decision, gate_input: dict[str, Any]) -> None:
        plain = {**_plain(decision), "dependencies": list(decision.dependencies) or None}
        plain["waivers"] = list(decision.waivers) or None
        self._tx.add(DecisionRow(**plain, input=gate_input))
        await self._tx.flush()

    async def one_or_none(self, project: str, decision_id: str) -> Decision | None:
        row = await self._tx.get(DecisionRow, decision_id)
        return _decision(row) if row is not None and row.project == project else None

    async def envelope_of(self, project: str, decision_id: str) -> dict[str, Any] | None:
        """The signed statement of a decision; None where there is no such decision in the project."""
        query = select(DecisionRow.envelope).where(DecisionRow.project == project, DecisionRow.id == decision_id)
        found: dict[str, Any] | None = await self._tx.scalar(query)
        return found

    async def input_of(self, decision_id: str) -> dict[str, Any]:
        """The gate input that the decision was made on."""
        query = select(DecisionRow.input).where(DecisionRow.id == decision_id)
        found: dict[str, Any] = await self._tx.scalar(query) or {}
        return found

    async def each(self) -> AsyncIterator[tuple[Decision, dict[str, Any]]]:
        """Every decision of every project with its input."""
        async for (row,) in each(self._tx, select(DecisionRow)):
            yield _decision(row), row.input

    async def page(
        self, project: str, *, name: str | None, stage: str | None, after: Cursor | None, limit: int
    ) -> Page[Decision]:
        """Newest first."""
        query = select(DecisionRow).where(DecisionRow.project == project)
        if name is not None:
            query = query.where(DecisionRow.name == name)
        if stage is not None:
            query = query.where(DecisionRow.stage == stage)
        query = newest_first(query, DecisionRow.decided_at, DecisionRow.id, after)
        found = [_decision(row) for row in await self._tx.scalars(query.limit(limit + 1))]
        return page_of(found, limit, lambda one: Cursor(one.decided_at, one.id))

    async def once_allowed(self, project: str, kind: str, name: str, digest: str, stage: str) -> bool:
        """Whether an allowing decision once moved this digest to this stage."""
        found = await self._tx.scalar(
            select(PromotionRow.id)
            .join(DecisionRow, DecisionRow.id == PromotionRow.decision_id)
            .where(
                PromotionRow.project == project,
                PromotionRow.kind == kind,
                PromotionRow.name == name,
                PromotionRow.digest == digest,
                PromotionRow.stage == stage,
                PromotionRow.applied,
                DecisionRow.outcome == Outcome.ALLOW.value,
            )
            .limit(1)
        )
        return found is not None


class PromotionStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, promotion: Promotion) -> None:
        self._tx.add(PromotionRow(**_plain(promotion)))
        await self._tx.flush()

    async def of_key_or_none(self, project: str, requester: str, key: str) -> Promotion | None:
        row = await self._tx.scalar(
            select(PromotionRow).where(
                PromotionRow.project == project,
                PromotionRow.requester == requester,
                PromotionRow.idempotency_key == key,
            )
        )
        return None if row is None else _promotion(row)

    async def one_or_none(self, project: str, promotion_id: str) -> Promotion | None:
        row = await self._tx.get(PromotionRow, promotion_id)
        return _promotion(row) if row is not None and row.project == project else None

    async def each(self) -> AsyncIterator[Promotion]:
        async for (row,) in each(self._tx, select(PromotionRow)):
            yield _promotion(row)


class ApprovalStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def each(self) -> AsyncIterator[Approval]:
        async for (row,) in each(self._tx, select(ApprovalRow)):
            yield Approval(**_fields(row, Approval))

    async def insert(self, approval: Approval) -> None:
        self._tx.add(ApprovalRow(**_plain(approval)))
        await self._tx.flush()

    async def all(self, project: str, digest: str, stage: str) -> tuple[Approval, ...]:
        """Every approval of this digest for this stage, oldest first."""
        rows = await self._tx.scalars(
            select(ApprovalRow)
            .where(ApprovalRow.project == project, ApprovalRow.digest == digest, ApprovalRow.stage == stage)
            .order_by(ApprovalRow.created_at, ApprovalRow.id)
        )
        return tuple(Approval(**_fields(row, Approval)) for row in rows)


class WaiverStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def each(self) -> AsyncIterator[Waiver]:
        async for (row,) in each(self._tx, select(WaiverRow)):
            yield Waiver(**_fields(row, Waiver))

    async def withdrawn(self, ids: Sequence[str]) -> set[str]:
        """Those of these waivers that were withdrawn, or are not there."""
        query = select(WaiverRow.id).where(WaiverRow.id.in_(ids), WaiverRow.withdrawn_at.is_(None))
        return set(ids) - set(await self._tx.scalars(query))

    async def insert(self, waiver: Waiver) -> None:
        self._tx.add(WaiverRow(**_plain(waiver)))
        await self._tx.flush()

    async def one_or_none(self, project: str, waiver_id: str) -> Waiver | None:
        row = await self._tx.get(WaiverRow, waiver_id, populate_existing=True)
        return Waiver(**_fields(row, Waiver)) if row is not None and row.project == project else None

    async def withdraw(self, waiver_id: str, principal: str, now: int) -> bool:
        """Whether that changed anything: what is withdrawn keeps its time."""
        done = await self._tx.execute(
            update(WaiverRow)
            .where(WaiverRow.id == waiver_id, WaiverRow.withdrawn_at.is_(None))
            .values(withdrawn_at=now, withdrawn_by=principal)
        )
        return cast("CursorResult[Any]", done).rowcount == 1

    async def standing(self, project: str, digest: str, stage: str, now: int) -> tuple[Waiver, ...]:
        """What was neither withdrawn nor has expired, oldest first."""
        rows = await self._tx.scalars(
            select(WaiverRow)
            .where(WaiverRow.project == project, WaiverRow.digest == digest, WaiverRow.stage == stage)
            .where(WaiverRow.withdrawn_at.is_(None), WaiverRow.expires_at > now)
            .order_by(WaiverRow.created_at, WaiverRow.id)
        )
        return tuple(Waiver(**_fields(row, Waiver)) for row in rows)

    async def page(
        self, project: str, *, digest: str | None, stage: str | None, after: Cursor | None, limit: int
    ) -> Page[Waiver]:
        """Newest first, whatever became of them."""
        query = select(WaiverRow).where(WaiverRow.project == project)
        if digest is not None:
            query = query.where(WaiverRow.digest == digest)
        if stage is not None:
            query = query.where(WaiverRow.stage == stage)
        query = newest_first(query, WaiverRow.created_at, WaiverRow.id, after)
        found = [Waiver(**_fields(row, Waiver)) for row in await self._tx.scalars(query.limit(limit + 1))]
        return page_of(found, limit, lambda one: Cursor(one.created_at, one.id))


def _plain(value: Decision | Promotion | Approval | Waiver) -> dict[str, Any]:
    fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    return {name: item.value if isinstance(item, (GateAction, Outcome)) else item for name, item in fields}


def _fields(row: Any, kind: type[Any]) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in dataclasses.fields(kind)}


def _decision(row: DecisionRow) -> Decision:
    values = _fields(row, Decision)
    values |= {"dependencies": tuple(row.dependencies or ()), "waivers": tuple(row.waivers or ())}
    return Decision(**{**values, "action": GateAction(row.action), "outcome": Outcome(row.outcome)})


def _promotion(row: PromotionRow) -> Promotion:
    return Promotion(**{**_fields(row, Promotion), "action": GateAction(row.action)})
