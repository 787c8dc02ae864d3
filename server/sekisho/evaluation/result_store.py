"""Case results in the database: written in batches, read in streams and by stretches, never all at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import Table, Text, collate, func, insert, select, type_coerce

from sekisho.evaluation.columns import Columns, scores_of
from sekisho.evaluation.store import CaseResultRow, result_of
from sekisho.evaluation.types import CaseResult, score_json
from sekisho.kernel.database import Transaction

BATCH: Final = 500
WHOLE_BATCH: Final = 100
"""Of whole results, which are long, since they hold what was retrieved."""


class Slim(NamedTuple):
    """One result but for its question; slices, scores and output are canonical JSON text, as stored."""

    case_id: str
    repeat: int
    cluster: str
    pair: str | None
    slices: str
    scores: str
    output: str
    latency_ms: int | None
    failed: bool


class ResultStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, run_id: str, results: Sequence[CaseResult]) -> None:
        """Write results that are not there yet, in one statement."""
        rows = [
            {
                "run_id": run_id, "case_id": r.case_id, "repeat": r.repeat, "cluster": r.cluster, "pair": r.pair,
                "slices": dict(r.slices), "question": r.question,
                "scores": {name: score_json(score) for name, score in r.scores.items()}, "output": dict(r.output),
                "latency_ms": r.latency_ms, "at": r.at, "failed": r.failed,
                "wanted": None if r.wanted is None else dict(r.wanted),
            }
            for r in results
        ]  # fmt: skip
        await self._tx.execute(insert(cast(Table, CaseResultRow.__table__)), rows)

    async def counts(self, run_id: str) -> tuple[int, int]:
        """How many results are stored, and how many of them failed."""
        rows = await self._tx.execute(
            select(CaseResultRow.failed, func.count())
            .where(CaseResultRow.run_id == run_id)
            .group_by(CaseResultRow.failed)
        )
        found: dict[bool, int] = {row[0]: row[1] for row in rows}
        return sum(found.values()), found.get(True, 0)

    async def done_among(self, run_id: str, repeat: int, cases: Sequence[str]) -> set[str]:
        """Which of these cases have a result of this repeat."""
        rows = await self._tx.scalars(
            select(CaseResultRow.case_id).where(
                CaseResultRow.run_id == run_id, CaseResultRow.repeat == repeat, CaseResultRow.case_id.in_(cases)
            )
        )
        return set(rows)

    async def some(self, run_id: str, repeat: int, cases: Sequence[str]) -> dict[str, CaseResult]:
        """The results of these cases that are there, by case."""
        rows = await self._tx.scalars(
            select(CaseResultRow).where(
                CaseResultRow.run_id == run_id, CaseResultRow.repeat == repeat, CaseResultRow.case_id.in_(cases)
            )
        )
        return {row.case_id: result_of(row) for row in rows}

    async def whole(self, run_id: str, cases: Sequence[str]) -> dict[str, list[CaseResult]]:
        """Every result of these cases that is there, by case and repeat."""
        found: dict[str, list[CaseResult]] = {}
        for start in range(0, len(cases), BATCH):
            rows = await self._tx.scalars(
                select(CaseResultRow)
                .where(CaseResultRow.run_id == run_id, CaseResultRow.case_id.in_(cases[start : start + BATCH]))
                .order_by(CaseResultRow.case_id, CaseResultRow.repeat)
            )
            for row in rows:
                found.setdefault(row.case_id, []).append(result_of(row))
        return found

    async def stream(self, run_id: str) -> AsyncIterator[Slim]:
        """Every result of a run, by case (in the order of its code points) and repeat; few are in memory at a time."""
        row = CaseResultRow
        query = (
            select(
                row.case_id, row.repeat, row.cluster, row.pair, type_coerce(row.slices, Text),
                type_coerce(row.scores, Text), type_coerce(row.output, Text), row.latency_ms, row.failed,
            )
            .where(row.run_id == run_id)
            .order_by(self._ordered(row.case_id), row.repeat)
        )  # fmt: skip
        found = await self._tx.stream(query.execution_options(yield_per=BATCH))
        async for part in found.partitions():
            for one in part:
                yield Slim(*one)

    async def by_case(self, run_id: str) -> AsyncIterator[list[CaseResult]]:
        """Every result of a run in full, the repeats of a case together, in the order of `stream`."""
        row = CaseResultRow
        query = select(row).where(row.run_id == run_id).order_by(self._ordered(row.case_id), row.repeat)
        found = await self._tx.stream_scalars(query.execution_options(yield_per=WHOLE_BATCH))
        repeats: list[CaseResult] = []
        async for one in found:
            if repeats and repeats[0].case_id != one.case_id:
                yield repeats
                repeats = []
            repeats.append(result_of(one))
        if repeats:
            yield repeats

    async def columns(self, run_id: str) -> Columns:
        """What a summary or a comparison reads of every result."""
        found = Columns()
        async for one in self.stream(run_id):
            add(found, one)
        return found

    def _ordered(self, case_id: Any) -> Any:
        """Databases differ in how they collate text, and the final digest must not; SQLite compares bytes anyhow."""
        return case_id if self._tx.get_bind().dialect.name == "sqlite" else collate(case_id, "C")


def add(columns: Columns, row: Slim) -> None:
    columns.append(
        row.case_id, row.repeat, row.cluster, row.pair, row.slices, scores_of(row.scores), row.latency_ms,
        failed=row.failed, control=_is_control(row.output),
    )  # fmt: skip


def _is_control(output: str) -> bool:
    """As `CaseResult.is_control`, of the stored text: decoded only where it may be one, since outputs are long."""
    return '"control":' in output and "control" in json.loads(output)
