"""Overrides in the database: they are decisions, and the pointers that these moved."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from sekisho.gate.overrides.types import Override, override_of
from sekisho.gate.store import DecisionRow
from sekisho.gate.types import Outcome
from sekisho.kernel.database import Transaction


class OverrideStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def among(self, decision_ids: Collection[str]) -> dict[str, Override]:
        """Those of these decisions that are overrides, by the decision's id."""
        query = select(DecisionRow.id, DecisionRow.override).where(
            DecisionRow.id.in_(decision_ids), DecisionRow.override.is_not(None)
        )
        return {decision: override_of(plain) for decision, plain in (await self._tx.execute(query)).all()}

    async def one_or_none(self, decision_id: str) -> tuple[Override, int] | None:
        """An override, and the number of its decision's entry in the ledger."""
        query = select(DecisionRow.override, DecisionRow.ledger_seq).where(DecisionRow.id == decision_id)
        row = (await self._tx.execute(query)).one_or_none()
        return None if row is None or row.override is None else (override_of(row.override), row.ledger_seq or 0)

    async def every_id(self) -> list[str]:
        """The decision of every override that ever was, oldest first. There are few."""
        query = select(DecisionRow.id).where(DecisionRow.outcome == Outcome.OVERRIDE.value)
        return list(await self._tx.scalars(query.order_by(DecisionRow.decided_at, DecisionRow.id)))

    async def spans(self, project: str, digest: str, stage: str) -> list[tuple[int, int]]:
        """From when until when these bytes were let stand at the stage by override, each time."""
        query = select(DecisionRow.decided_at, DecisionRow.override).where(
            DecisionRow.project == project,
            DecisionRow.digest == digest,
            DecisionRow.stage == stage,
            DecisionRow.outcome == Outcome.OVERRIDE.value,
        )
        return [(begin, override_of(plain).until) for begin, plain in (await self._tx.execute(query)).all()]
