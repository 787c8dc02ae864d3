"""A run in the worker: evaluate what is left of it, sum it up, end run and job in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

from sekisho.evaluation.case_source import open_cases
from sekisho.evaluation.columns import Columns, measured_results
from sekisho.evaluation.controls import control_summary, control_verdict
from sekisho.evaluation.engine import engine_of
from sekisho.evaluation.neighbours import Catalogue, Indexes, Models, Neighbours
from sekisho.evaluation.plan import Plan, make_plan
from sekisho.evaluation.reports.json import latency
from sekisho.evaluation.result_store import ResultStore, add
from sekisho.evaluation.runner import BudgetSpent, Counts, Runner, Work, observed
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER
from sekisho.evaluation.seal import Seal, result_bytes
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.summary import summarise, verdict
from sekisho.evaluation.tally import Counted, Tally
from sekisho.evaluation.targets import RunTarget
from sekisho.evaluation.types import CaseResult, Run, RunState
from sekisho.inference.types import Answerer
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.errors import ModelFailed, NotFound, SekishoError
from sekisho.kernel.jobs import Cancelled, Job, Jobs, JobState, LeaseLost
from sekisho.ledger.service import Ledger


@dataclass(frozen=True)
class Execution:
    """Does runs. `concurrency` cases at a time; progress is reported at most every `beat_s` seconds."""

    database: Database
    clock: Clock
    ledger: Ledger
    jobs: Jobs
    registry: Catalogue
    indexing: Indexes
    inference: Models
    concurrency: int
    beat_s: float

    async def execute(self, job: Job) -> None:
        """Do a run, from where it stands. Called by a worker that holds the job; ends run and job together."""
        run_id = str(job.payload["run"])
        try:
            await self._execute(job, run_id)
        except Cancelled:
            async with self.database.write() as tx:
                run = await stored(tx, run_id)
                await end_cancelled(self.ledger, self.clock, tx, run, run.principal)
                await self.jobs.finish(tx, job, JobState.CANCELLED)
        except LeaseLost:
            raise
        except SekishoError as error:
            await self._fail(job, run_id, error)

    async def _execute(self, job: Job, run_id: str) -> None:
        with TemporaryFile() as dataset:
            async with self.database.read() as tx:
                run = await stored(tx, run_id)
                plan = await load_plan(self.registry, tx, run.project, run.suite, run.subject, dataset)
            cases = await open_cases(plan, dataset)
            tally = Tally.resume(run.observations)

            def counting(model: Answerer) -> Answerer:
                return Counted(model, tally)

            neighbours = Neighbours(self.database, self.registry, self.indexing, self.inference)
            target = await neighbours.target(run, plan, cases, counting, tally.overran)
            judge = await neighbours.judge(plan, counting)
            async with self.database.write() as tx:
                await self.jobs.hold(tx, job)
                await RunStore(tx).start(run_id, engine_of(plan), epoch_ms(self.clock.now()))
            work = Work(run_id, plan, target, cases, tally, self.inference, judge)
            reason = await self._measure(job, work)
            await self._finish(job, run, work, reason)

    async def _measure(self, job: Job, work: Work) -> str | None:
        """Why the run has to be inconclusive, whatever was scored; None where it need not be."""
        runner = Runner(self.database, self.jobs, self.clock, self.concurrency, self.beat_s)
        try:
            await runner.run(job, work)
        except BudgetSpent as spent:
            return str(spent)
        moved = await _moved("model", work.target)
        return moved if moved or work.judge is None else await _moved("judge", work.judge)

    async def _finish(self, job: Job, run: Run, work: Work, reason: str | None) -> None:
        async with self.database.read() as tx:
            columns, seal = await sealed(tx, run)
        plan = work.plan
        summary = await asyncio.to_thread(summary_of, plan, columns, work.cases.measured)
        reason = reason or inconclusive(summary)
        state = RunState.FINISHED if reason is None else RunState.INCONCLUSIVE
        digest = seal.close(state, summary)
        counts = Counts(len(columns), columns.failed)
        observations = {**observed(work, counts), "latency_ms": latency(columns)}
        async with self.database.write() as tx:
            await self.jobs.finish(tx, job, JobState.DONE, result={"run": run.id, "state": state.value})
            now = epoch_ms(self.clock.now())
            await RunStore(tx).observe(run.id, observations)
            await RunStore(tx).end(run.id, state, now, summary=summary, final_digest=digest, reason=reason)
            body = {"state": state.value, "suite": run.suite, "dataset": run.dataset, "final_digest": digest}
            await enter(self.ledger, tx, run, "run.finished", run.principal, body)

    async def _fail(self, job: Job, run_id: str, error: SekishoError) -> None:
        async with self.database.write() as tx:
            run = await stored(tx, run_id)
            await self.jobs.finish(tx, job, JobState.FAILED, error=str(error))
            await RunStore(tx).end(run_id, RunState.FAILED, epoch_ms(self.clock.now()), reason=str(error))
            await enter(self.ledger, tx, run, "run.failed", run.principal, {"suite": run.suite, "reason": error.detail})


async def stored(tx: Transaction, run_id: str) -> Run:
    """Raises `NotFound`."""
    run = await RunStore(tx).one_or_none(run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run


async def load_plan(
    registry: Catalogue, tx: Transaction, project: str, suite: str, subject: str, dataset: IO[bytes]
) -> Plan:
    """The plan of a run; its dataset goes into this file, for `open_cases`.

    Raises `Invalid` where suite and subject do not go together.
    """
    plan = make_plan(await registry.closure(tx, project, suite), await registry.closure(tx, project, subject))
    await registry.copy_blob(tx, project, plan.dataset.content, dataset)
    return plan


async def sealed(tx: Transaction, run: Run) -> tuple[Columns, Seal]:
    """Everything stored of a run in one pass: what a summary reads, and the final digest but for that summary."""
    columns, seal = Columns(), Seal(run)
    async for row in ResultStore(tx).stream(run.id):
        add(columns, row)
        seal.add(result_bytes(row.case_id, row.repeat, row.scores, row.output))
    return columns, seal


def summary_of(plan: Plan, results: Sequence[CaseResult], cases: int) -> dict[str, Any]:
    """What was measured of so many planned cases, and beside it what the control cases say of the scorers."""
    summary = summarise(
        measured_results(results),
        planned=cases,
        metrics=plan.metrics,
        axes=plan.suite.slices,
        lower=LOWER_IS_BETTER,
        counterfactuals=plan.suite.counterfactuals,
    )
    allowed = plan.suite.controls.max_missed if plan.suite.controls else 0
    met = [result for result in results if result.is_control]
    controls = control_summary(met, plan.measures, allowed)
    return summary if controls is None else {**summary, "controls": controls}


def inconclusive(summary: Mapping[str, Any]) -> str | None:
    """Why a summary makes its run inconclusive, or None where it does not."""
    return control_verdict(summary) or verdict(summary)


async def enter(ledger: Ledger, tx: Transaction, run: Run, kind: str, principal: str, body: Mapping[str, Any]) -> None:
    """Write a run's change of state into the ledger."""
    await ledger.append(
        tx, kind=kind, project=run.project, principal=principal, subject=run.subject, body={"run": run.id, **body}
    )


async def end_cancelled(ledger: Ledger, clock: Clock, tx: Transaction, run: Run, principal: str) -> None:
    """End a run as cancelled, once."""
    if await RunStore(tx).end(run.id, RunState.CANCELLED, epoch_ms(clock.now()), reason="cancelled"):
        await enter(ledger, tx, run, "run.cancelled", principal, {"suite": run.suite})


async def _moved(role: str, checked: RunTarget | Answerer) -> str | None:
    """Why the answers, or the verdicts on them, may come from two models, or None."""
    try:
        await checked.check()
    except ModelFailed as error:
        return f"the {role} changed during the run: {error.detail}"
    return None
