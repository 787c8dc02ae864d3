"""Rows of the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Index, String, Text, and_, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.kernel.database import Base, CanonicalJson, Transaction


class JobRow(Base):
    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_state_created_at", "state", "created_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    payload: Mapped[Any] = mapped_column(CanonicalJson)
    principal: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    progress: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    cancel_requested: Mapped[bool]
    result: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    error: Mapped[str | None] = mapped_column(Text)
    lease_owner: Mapped[str | None] = mapped_column(String(128))
    lease_until: Mapped[int | None]
    created_at: Mapped[int]
    finished_at: Mapped[int | None]


_FIELDS = (
    "id", "project", "kind", "payload", "principal", "state", "attempts", "progress", "cancel_requested",
    "result", "error", "lease_owner", "created_at", "finished_at",
)  # fmt: skip


def _values(row: JobRow) -> Mapping[str, Any]:
    return {name: getattr(row, name) for name in _FIELDS}


class JobStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(
        self,
        *,
        job_id: str,
        project: str,
        kind: str,
        payload: dict[str, Any],
        principal: str,
        now: int,
    ) -> None:
        self._tx.add(
            JobRow(
                id=job_id, project=project, kind=kind, payload=payload, principal=principal, state="queued",
                attempts=0, cancel_requested=False, created_at=now,
            )
        )  # fmt: skip
        await self._tx.flush()

    async def one_or_none(self, job_id: str) -> Mapping[str, Any] | None:
        row = await self._tx.get(JobRow, job_id)
        return None if row is None else _values(row)

    async def since(self, kind: str, created_at: int) -> list[Mapping[str, Any]]:
        under_way = JobRow.state.in_(("queued", "running"))
        rows = await self._tx.scalars(
            select(JobRow)
            .where(JobRow.kind == kind, or_(under_way, JobRow.created_at > created_at))
            .order_by(JobRow.created_at, JobRow.id)
        )
        return [_values(row) for row in rows]

    async def any_free(self, kinds: Sequence[str], now: int) -> bool:
        return await self._tx.scalar(select(JobRow.id).where(*_free(kinds, now)).limit(1)) is not None

    async def claim(self, kinds: Sequence[str], owner: str, now: int, until: int) -> Mapping[str, Any] | None:
        row = await self._tx.scalar(
            select(JobRow)
            .where(*_free(kinds, now))
            .order_by(JobRow.created_at, JobRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.state, row.lease_owner, row.lease_until, row.attempts = "running", owner, until, row.attempts + 1
        await self._tx.flush()
        return _values(row)

    async def fail_worn_out(self, now: int, max_attempts: int) -> None:
        await self._tx.execute(
            update(JobRow)
            .where(JobRow.state == "running", JobRow.lease_until < now, JobRow.attempts >= max_attempts)
            .values(
                state="failed", finished_at=now, lease_owner=None,
                error=f"given up: {max_attempts} workers in turn fell silent while they held it",
            )
        )  # fmt: skip

    async def beat(self, job_id: str, owner: str | None, until: int, progress: dict[str, Any] | None) -> bool | None:
        row = await self._tx.scalar(select(JobRow).where(*_held(job_id, owner)).with_for_update())
        if row is None:
            return None
        row.lease_until = until
        if progress is not None:
            row.progress = progress
        return row.cancel_requested

    async def held(self, job_id: str, owner: str | None) -> bool:
        found = await self._tx.scalar(select(JobRow.id).where(*_held(job_id, owner)).with_for_update())
        return found is not None

    async def finish(self, job_id: str, state: str, result: dict[str, Any] | None, error: str | None, now: int) -> None:
        await self._tx.execute(
            update(JobRow)
            .where(JobRow.id == job_id)
            .values(state=state, result=result, error=error, finished_at=now, lease_owner=None, lease_until=None)
        )

    async def with_results(self, project: str, kind: str) -> list[tuple[str, Any, Any]]:
        """Id, payload and result of every job of this kind that is done; the result is None where it was forgotten."""
        query = select(JobRow.id, JobRow.payload, JobRow.result).where(
            JobRow.project == project, JobRow.kind == kind, JobRow.state == "done"
        )
        return [(row.id, row.payload, row.result) for row in (await self._tx.execute(query)).all()]

    async def forget_results(self, ids: Sequence[str]) -> None:
        await self._tx.execute(update(JobRow).where(JobRow.id.in_(ids)).values(result=None))

    async def cancel(self, job_id: str, now: int) -> None:
        await self._tx.execute(
            update(JobRow)
            .where(JobRow.id == job_id, JobRow.state == "queued")
            .values(state="cancelled", finished_at=now, cancel_requested=True)
        )
        await self._tx.execute(
            update(JobRow).where(JobRow.id == job_id, JobRow.state == "running").values(cancel_requested=True)
        )

    async def release(self, job_id: str, owner: str | None) -> None:
        await self._tx.execute(
            update(JobRow)
            .where(*_held(job_id, owner))
            .values(state="queued", lease_owner=None, lease_until=None, attempts=JobRow.attempts - 1)
        )


def _free(kinds: Sequence[str], now: int) -> tuple[Any, ...]:
    silent = and_(JobRow.state == "running", JobRow.lease_until < now)
    return or_(JobRow.state == "queued", silent), JobRow.kind.in_(kinds)


def _held(job_id: str, owner: str | None) -> tuple[Any, ...]:
    return JobRow.id == job_id, JobRow.state == "running", JobRow.lease_owner == owner
