"""What evaluation tells the gate: every run of a version, what the ledger says of them, and several runs as one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sekisho.evaluation import evidence
from sekisho.evaluation.columns import Columns
from sekisho.evaluation.reports.json import ended_by_job
from sekisho.evaluation.result_store import ResultStore
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.types import Run, RunState
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import NotFound
from sekisho.kernel.jobs import Jobs
from sekisho.ledger.service import Ledger

_ENDS = ("run.finished", "run.failed", "run.cancelled")
_RESULT = (RunState.FINISHED, RunState.INCONCLUSIVE)


@dataclass(frozen=True)
class Gathering:
    """Reads, in the transaction of a decision, what was measured. It judges nothing: which runs count, policy says."""

    ledger: Ledger
    jobs: Jobs

    async def evidence(self, tx: Transaction, project: str, digest: str) -> list[dict[str, Any]]:
        """Every run of this version that came to its end, oldest first, in the shape of the gate's input."""
        return [evidence.run_evidence(run) for run in await self._runs(tx, project, digest) if run.state in _RESULT]

    async def brief_evidence(self, tx: Transaction, project: str, digest: str) -> list[dict[str, Any]]:
        """The same runs without their metrics: enough to tell which of them count."""
        return [evidence.brief_evidence(run) for run in await self._runs(tx, project, digest) if run.state in _RESULT]

    async def abandoned(self, tx: Transaction, project: str, digest: str) -> list[dict[str, Any]]:
        """Runs of this version that were cancelled, failed, or ended with too little to say anything; oldest first."""
        ended = [run for run in await self._runs(tx, project, digest) if run.state.over]
        return [evidence.abandoned_evidence(run) for run in ended if run.state is not RunState.FINISHED]

    async def recorded(self, tx: Transaction, project: str, digest: str) -> list[dict[str, Any]]:
        """How many runs of this version the ledger says ended, and how, per suite: none may be out of sight."""
        ends = []
        for kind in _ENDS:
            ends += await self.ledger.about(tx, project=project, kind=kind, subject=digest)
        return evidence.recorded_evidence([entry.body for entry in ends])

    async def pooled(self, tx: Transaction, run_ids: Sequence[str], *, level_ppm: int) -> dict[str, Any]:
        """Several finished runs of one version by one suite as one estimate. Raises `NotFound`."""
        store = RunStore(tx)
        runs = [await _one(store, run_id) for run_id in run_ids]
        results = await _results(tx, run_ids)
        return await asyncio.to_thread(evidence.pool_evidence, runs, results, level_ppm=level_ppm)

    async def compared(
        self,
        tx: Transaction,
        baseline: Sequence[str],
        candidate: Sequence[str],
        metrics: Sequence[str],
        *,
        level_ppm: int,
        claims: int,
    ) -> list[dict[str, Any]]:
        """Per metric the paired difference, candidate minus baseline, where any case was scored in both."""
        before, after = await _results(tx, baseline), await _results(tx, candidate)
        found = []
        for metric in metrics:
            entry = await asyncio.to_thread(
                evidence.comparison_evidence, metric, before, after, level_ppm=level_ppm, claims=claims
            )
            if entry is not None:
                found.append(entry)
        return found

    async def _runs(self, tx: Transaction, project: str, digest: str) -> list[Run]:
        """Every run of the version as it is, by its end and id: one whose job ended without it has ended too."""
        found = []
        for run in await RunStore(tx).all_of(project, digest):
            job = None if run.state.over else await self.jobs.one_or_none(tx, run.job_id)
            found.append(run if run.state.over else ended_by_job(run, job))
        return sorted(found, key=lambda run: (run.finished_at or run.created_at, run.id))


async def _one(store: RunStore, run_id: str) -> Run:
    run = await store.one_or_none(run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run


async def _results(tx: Transaction, run_ids: Sequence[str]) -> list[Columns]:
    return [await ResultStore(tx).columns(run_id) for run_id in run_ids]
