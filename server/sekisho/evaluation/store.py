"""Rows of runs and their case results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.evaluation.types import CaseResult, Origin, Run, RunState, Target, score_of
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each
from sekisho.kernel.pages import Cursor
from sekisho.kernel.queries import newest_first, oldest_first

ERASED: Final = "a document that its index held was erased"


class RunRow(Base):
    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_project_subject", "project", "subject"),
        Index("ix_runs_project_created_at_id", "project", "created_at", "id"),
        UniqueConstraint("project", "principal", "idempotency_key"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str] = mapped_column(String(16))
    suite: Mapped[str] = mapped_column(String(71))
    suite_name: Mapped[str] = mapped_column(String(64))
    dataset: Mapped[str] = mapped_column(String(71))
    subject: Mapped[str] = mapped_column(String(71))
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_name: Mapped[str] = mapped_column(String(64))
    target: Mapped[str] = mapped_column(String(16))
    principal: Mapped[str] = mapped_column(String(64))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    job_id: Mapped[str] = mapped_column(String(36))
    answers: Mapped[str | None] = mapped_column(String(71))
    planned: Mapped[int]
    engine: Mapped[Any] = mapped_column(CanonicalJson)
    summary: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    final_digest: Mapped[str | None] = mapped_column(String(71))
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[int]
    started_at: Mapped[int | None]
    finished_at: Mapped[int | None]
    observations: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)


class CaseResultRow(Base):
    __tablename__ = "case_results"

    run_id: Mapped[str] = mapped_column(String(36), ForeignKey("runs.id"), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    cluster: Mapped[str] = mapped_column(String(220))
    pair: Mapped[str | None] = mapped_column(String(200))
    slices: Mapped[Any] = mapped_column(CanonicalJson)
    question: Mapped[str] = mapped_column(Text)
    scores: Mapped[Any] = mapped_column(CanonicalJson)
    output: Mapped[Any] = mapped_column(CanonicalJson)
    latency_ms: Mapped[int | None]
    at: Mapped[int]
    failed: Mapped[bool]
    wanted: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)


@dataclass(frozen=True, slots=True)
class ErasedRuns:
    """Ids of runs whose rows were deleted, the number of rows, and the blobs of answers that they had scored."""

    ids: tuple[str, ...]
    cases: int
    answers: tuple[str, ...]


def _reading(project: str, digests: Sequence[str]) -> ColumnElement[bool]:
    """The project's runs of one of these versions, or over one of these datasets."""
    return and_(RunRow.project == project, or_(RunRow.subject.in_(digests), RunRow.dataset.in_(digests)))


class RunStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, run: Run, idempotency_key: str | None) -> None:
        self._tx.add(
            RunRow(
                id=run.id, project=run.project, state=run.state.value, origin=run.origin.value, suite=run.suite,
                suite_name=run.suite_name,
                dataset=run.dataset, subject=run.subject, subject_kind=run.subject_kind,
                subject_name=run.subject_name, target=run.target.value, principal=run.principal,
                idempotency_key=idempotency_key, job_id=run.job_id,
                answers=run.answers, planned=run.planned, engine=dict(run.engine),
                created_at=run.created_at,
            )
        )  # fmt: skip
        await self._tx.flush()

    async def one_or_none(self, run_id: str) -> Run | None:
        row = await self._tx.get(RunRow, run_id)
        return None if row is None else (await self._runs([row]))[0]

    async def by_key(self, project: str, principal: str, key: str) -> Run | None:
        row = await self._tx.scalar(
            select(RunRow).where(
                RunRow.project == project, RunRow.principal == principal, RunRow.idempotency_key == key
            )
        )
        return None if row is None else (await self._runs([row]))[0]

    async def page(
        self, project: str, subject: str | None, suite: str | None, after: Cursor | None, limit: int
    ) -> list[Run]:
        """Newest first."""
        query = select(RunRow).where(RunRow.project == project)
        if subject is not None:
            query = query.where(RunRow.subject == subject)
        if suite is not None:
            query = query.where(RunRow.suite == suite)
        query = newest_first(query, RunRow.created_at, RunRow.id, after)
        return await self._runs(list(await self._tx.scalars(query.limit(limit))))

    async def each(self) -> AsyncIterator[Run]:
        """Every run of every project; `done` is not counted."""
        async for (row,) in each(self._tx, select(RunRow)):
            yield _run(row, 0)

    async def all_of(self, project: str, subject: str) -> list[Run]:
        """Every run of a version, whatever became of it, oldest first."""
        rows = await self._tx.scalars(
            select(RunRow)
            .where(RunRow.project == project, RunRow.subject == subject)
            .order_by(RunRow.created_at, RunRow.id)
        )
        return await self._runs(list(rows))

    async def start(self, run_id: str, engine: Mapping[str, str], now: int) -> None:
        """A resumed run keeps its first start."""
        await self._tx.execute(
            update(RunRow)
            .where(RunRow.id == run_id)
            .values(state="running", engine=dict(engine), started_at=func.coalesce(RunRow.started_at, now))
        )

    async def observe(self, run_id: str, observations: Mapping[str, Any]) -> None:
        """Keep how the run goes; the last word stays."""
        await self._tx.execute(update(RunRow).where(RunRow.id == run_id).values(observations=dict(observations)))

    async def end(
        self,
        run_id: str,
        state: RunState,
        now: int,
        *,
        summary: Mapping[str, Any] | None = None,
        final_digest: str | None = None,
        reason: str | None = None,
    ) -> bool:
        """False where the run had ended already."""
        result = await self._tx.execute(
            update(RunRow)
            .where(RunRow.id == run_id, RunRow.state.in_(["queued", "running"]))
            .values(
                state=state.value,
                summary=None if summary is None else dict(summary),
                final_digest=final_digest,
                reason=reason,
                finished_at=now,
            )
            .returning(RunRow.id)
        )
        return result.first() is not None

    async def running(self, project: str, digests: Sequence[str]) -> list[str]:
        """The jobs of runs of these versions, or over these datasets, that have not ended."""
        found = await self._tx.scalars(
            select(RunRow.job_id).where(_reading(project, digests), RunRow.state.in_(["queued", "running"]))
        )
        return list(found)

    async def erase(self, project: str, digests: Sequence[str]) -> ErasedRuns:
        """Delete the case rows and summaries of every run of these versions, or over these datasets.

        The runs stay as cancelled ones, which count for nothing.
        """
        rows = (await self._tx.execute(select(RunRow.id, RunRow.answers).where(_reading(project, digests)))).all()
        ids = [row.id for row in rows]
        gone = await self._tx.execute(delete(CaseResultRow).where(CaseResultRow.run_id.in_(ids)))
        await self._tx.execute(
            update(RunRow).where(RunRow.id.in_(ids)).values(state=RunState.CANCELLED.value, summary=None, reason=ERASED)
        )
        answers = {row.answers for row in rows if row.answers is not None}
        return ErasedRuns(tuple(sorted(ids)), cast("CursorResult[Any]", gone).rowcount, tuple(sorted(answers)))

    async def results(self, run_id: str) -> list[CaseResult]:
        """All results of a run, by case and repeat."""
        rows = await self._tx.scalars(select(CaseResultRow).where(CaseResultRow.run_id == run_id))
        # Sorted here: databases differ in how they collate text, and the final digest must not.
        return sorted(map(result_of, rows), key=lambda result: (result.case_id, result.repeat))

    async def results_page(self, run_id: str, after: Cursor | None, limit: int) -> list[CaseResult]:
        """By repeat and case; the cursor's time is the repeat of the result seen last."""
        query = select(CaseResultRow).where(CaseResultRow.run_id == run_id)
        query = oldest_first(query, CaseResultRow.repeat, CaseResultRow.case_id, after)
        return [result_of(row) for row in await self._tx.scalars(query.limit(limit))]

    async def _runs(self, rows: Sequence[RunRow]) -> list[Run]:
        counted = await self._tx.execute(
            select(CaseResultRow.run_id, func.count())
            .where(CaseResultRow.run_id.in_([row.id for row in rows]))
            .group_by(CaseResultRow.run_id)
        )
        done: dict[str, int] = {row[0]: row[1] for row in counted}
        return [_run(row, done.get(row.id, 0)) for row in rows]


def _run(row: RunRow, done: int) -> Run:
    return Run(
        id=row.id, project=row.project, state=RunState(row.state), origin=Origin(row.origin),
        suite=row.suite, suite_name=row.suite_name,
        dataset=row.dataset, subject=row.subject, subject_kind=row.subject_kind, subject_name=row.subject_name,
        target=Target(row.target), principal=row.principal, job_id=row.job_id, answers=row.answers,
        planned=row.planned, done=done,
        engine=row.engine, summary=row.summary, final_digest=row.final_digest, reason=row.reason,
        created_at=row.created_at, started_at=row.started_at, finished_at=row.finished_at,
        observations=row.observations,
    )  # fmt: skip


def result_of(row: CaseResultRow) -> CaseResult:
    return CaseResult(
        case_id=row.case_id, repeat=row.repeat, cluster=row.cluster, pair=row.pair, slices=row.slices,
        question=row.question, scores={name: score_of(value) for name, value in row.scores.items()},
        output=row.output, latency_ms=row.latency_ms, at=row.at, failed=row.failed,
        wanted=row.wanted,
    )  # fmt: skip
