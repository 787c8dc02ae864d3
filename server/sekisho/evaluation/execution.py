"""A run in the worker: evaluate what is left of it, sum it up, end run and job in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sekisho.evaluation import report
from sekisho.evaluation.case_source import opened, spooled
from sekisho.evaluation.columns import Columns
from sekisho.evaluation.engine import engine_of
from sekisho.evaluation.plan import Plan, make_plan
from sekisho.evaluation.result_store import ResultStore, add
from sekisho.evaluation.runner import BudgetSpent, Cancelled, Counts, Runner, Work, observed
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER
from sekisho.evaluation.seal import Seal, result_bytes
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.summary import summarise, verdict
from sekisho.evaluation.tally import Counted, Hosts, Tally
from sekisho.evaluation.targets import Answers, OpenIndex, Retrieval, RunTarget, options_of
from sekisho.evaluation.types import CaseResult, Run, RunState
from sekisho.inference.types import Answerer
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.errors import ModelFailed, NotFound, SekishoError
from sekisho.kernel.jobs import Job, Jobs, JobState, LeaseLost
from sekisho.kernel.references import Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.manifests import ModelManifest
from sekisho.registry.types import Closure, Version


class Catalogue(Protocol):
    """What evaluation asks of the registry."""

    async def find(self, tx: Transaction, reference: Reference) -> Version: ...

    async def closure(self, tx: Transaction, project: str, digest: str) -> Closure: ...

    async def read_blob(self, tx: Transaction, project: str, digest: str) -> bytes: ...


class Indexes(Protocol):
    """What evaluation asks of indexing; only a worker has it."""

    async def open(self, project: str, digest: str) -> OpenIndex: ...


class Models(Hosts, Protocol):
    """What evaluation asks of inference."""

    async def answerer(
        self, model: ModelManifest, *, deadline_ms: int | None = None, offline: bool = False
    ) -> Answerer: ...


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
        async with self.database.read() as tx:
            run = await stored(tx, run_id)
            plan, content = await load_plan(self.registry, tx, run.project, run.suite, run.subject)
        async with opened(plan, spooled(content)) as cases:
            del content
            tally = Tally.resume(run.observations)
            target = await self._target(run.project, plan, tally)
            async with self.database.write() as tx:
                await self.jobs.hold(tx, job)
                await RunStore(tx).start(run_id, engine_of(plan), epoch_ms(self.clock.now()))
            work = Work(run_id, plan, target, cases, tally, self.inference)
            reason = await self._measure(job, work)
            await self._finish(job, run, work, reason)

    async def _measure(self, job: Job, work: Work) -> str | None:
        """Why the run has to be inconclusive, whatever was scored; None where it need not be."""
        runner = Runner(self.database, self.jobs, self.clock, self.concurrency, self.beat_s)
        try:
            await runner.run(job, work)
        except BudgetSpent as spent:
            return str(spent)
        return await _moved(work.target)

    async def _finish(self, job: Job, run: Run, work: Work, reason: str | None) -> None:
        async with self.database.read() as tx:
            columns, seal = await sealed(tx, run)
        plan = work.plan
        summary = await asyncio.to_thread(summary_of, plan, columns, len(work.cases))
        reason = reason or verdict(summary)
        state = RunState.FINISHED if reason is None else RunState.INCONCLUSIVE
        digest = seal.close(state, summary)
        counts = Counts(len(columns), columns.failed)
        observations = {**observed(work, counts), "latency_ms": report.latency(columns)}
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

    async def _target(self, project: str, plan: Plan, tally: Tally) -> RunTarget:
        retrieval = Retrieval(await self.indexing.open(project, plan.index), plan.depth)
        if plan.answering is None:
            return retrieval
        limit = plan.answering.agent.limits.timeout_ms
        answerer = await self.inference.answerer(plan.answering.model, deadline_ms=limit)
        return Answers(retrieval, plan.answering, Counted(answerer, tally), options_of(plan.answering))


async def stored(tx: Transaction, run_id: str) -> Run:
    """Raises `NotFound`."""
    run = await RunStore(tx).one_or_none(run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run


async def load_plan(registry: Catalogue, tx: Transaction, project: str, suite: str, subject: str) -> tuple[Plan, bytes]:
    """The plan of a run and its dataset's bytes. Raises `Invalid` where suite and subject do not go together."""
    plan = make_plan(await registry.closure(tx, project, suite), await registry.closure(tx, project, subject))
    return plan, await registry.read_blob(tx, project, plan.dataset.content)


async def sealed(tx: Transaction, run: Run) -> tuple[Columns, Seal]:
    """Everything stored of a run in one pass: what a summary reads, and the final digest but for that summary."""
    columns, seal = Columns(), Seal(run)
    async for row in ResultStore(tx).stream(run.id):
        add(columns, row)
        seal.add(result_bytes(row.case_id, row.repeat, row.scores, row.output))
    return columns, seal


def summary_of(plan: Plan, results: Sequence[CaseResult], cases: int) -> dict[str, Any]:
    """The summary of a run by this plan over so many planned cases."""
    return summarise(results, planned=cases, metrics=plan.metrics, axes=plan.suite.slices, lower=LOWER_IS_BETTER)


async def enter(ledger: Ledger, tx: Transaction, run: Run, kind: str, principal: str, body: Mapping[str, Any]) -> None:
    """Write a run's change of state into the ledger."""
    await ledger.append(
        tx, kind=kind, project=run.project, principal=principal, subject=run.subject, body={"run": run.id, **body}
    )


async def end_cancelled(ledger: Ledger, clock: Clock, tx: Transaction, run: Run, principal: str) -> None:
    """End a run as cancelled, once."""
    if await RunStore(tx).end(run.id, RunState.CANCELLED, epoch_ms(clock.now()), reason="cancelled"):
        await enter(ledger, tx, run, "run.cancelled", principal, {"suite": run.suite})


async def _moved(target: RunTarget) -> str | None:
    """Why the answers may come from two models, or None."""
    try:
        await target.check()
    except ModelFailed as error:
        return f"the model changed during the run: {error.detail}"
    return None
