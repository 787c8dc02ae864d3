"""A run in the worker: evaluate what is left of it, sum it up, end run and job in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sekisho.evaluation.cases import measured
from sekisho.evaluation.controls import control_summary, control_verdict
from sekisho.evaluation.engine import engine_of
from sekisho.evaluation.judges.asking import Judge, open_judge
from sekisho.evaluation.plan import Plan, make_plan
from sekisho.evaluation.recorded import parse_recorded
from sekisho.evaluation.runner import Cancelled, Runner
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.summary import summarise, verdict
from sekisho.evaluation.targets import Answers, Controlled, Given, OpenIndex, Recorded, Retrieval, RunTarget, options_of
from sekisho.evaluation.types import Case, CaseResult, Run, RunState
from sekisho.inference.types import Answerer
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
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


class Models(Protocol):
    """What evaluation asks of inference."""

    async def answerer(self, model: ModelManifest) -> Answerer: ...


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
                run = await self._stored(tx, run_id)
                await end_cancelled(self.ledger, self.clock, tx, run, run.principal)
                await self.jobs.finish(tx, job, JobState.CANCELLED)
        except LeaseLost:
            raise
        except SekishoError as error:
            await self._fail(job, run_id, error)

    async def _execute(self, job: Job, run_id: str) -> None:
        async with self.database.read() as tx:
            run = await self._stored(tx, run_id)
            plan, cases = await load_plan(self.registry, tx, run.project, run.suite, run.subject)
        target = await self._target(run, plan, cases)
        judge = None if plan.judge is None else await open_judge(self.inference, plan.judge)
        async with self.database.write() as tx:
            await self.jobs.hold(tx, job)
            await RunStore(tx).start(run_id, engine_of(plan), epoch_ms(self.clock.now()))
        runner = Runner(self.database, self.jobs, self.clock, self.concurrency, self.beat_s, judge)
        await runner.run(job, run_id, plan, target, cases)
        moved = await _moved("model", target) or (judge and await _moved("judge", judge))
        async with self.database.read() as tx:
            results = await RunStore(tx).results(run_id)
        summary = await asyncio.to_thread(_summary, plan, cases, results)
        await self._finish(job, run, summary, results, moved or control_verdict(summary) or verdict(summary))

    async def _finish(
        self, job: Job, run: Run, summary: Mapping[str, Any], results: Sequence[CaseResult], reason: str | None
    ) -> None:
        state = RunState.FINISHED if reason is None else RunState.INCONCLUSIVE
        digest = final_digest(run, state, summary, results)
        async with self.database.write() as tx:
            await self.jobs.finish(tx, job, JobState.DONE, result={"run": run.id, "state": state.value})
            now = epoch_ms(self.clock.now())
            await RunStore(tx).end(run.id, state, now, summary=summary, final_digest=digest, reason=reason)
            body = {"state": state.value, "suite": run.suite, "dataset": run.dataset, "final_digest": digest}
            await enter(self.ledger, tx, run, "run.finished", run.principal, body)

    async def _fail(self, job: Job, run_id: str, error: SekishoError) -> None:
        async with self.database.write() as tx:
            run = await self._stored(tx, run_id)
            await self.jobs.finish(tx, job, JobState.FAILED, error=str(error))
            await RunStore(tx).end(run_id, RunState.FAILED, epoch_ms(self.clock.now()), reason=str(error))
            await enter(self.ledger, tx, run, "run.failed", run.principal, {"suite": run.suite, "reason": error.detail})

    async def _target(self, run: Run, plan: Plan, cases: Sequence[Case]) -> RunTarget:
        if run.answers is not None:
            async with self.database.read() as tx:
                content = await self.registry.read_blob(tx, run.project, run.answers)
            return Controlled(Recorded(parse_recorded(content, {case.id for case in cases})))
        if plan.index is None:
            passages: Retrieval | Given = Given()
        else:
            passages = Retrieval(await self.indexing.open(run.project, plan.index), plan.depth)
        if plan.answering is None:
            assert isinstance(passages, Retrieval)  # noqa: S101  # a prompt has no suite of target retrieval
            return passages
        answerer = await self.inference.answerer(plan.answering.model)
        return Controlled(Answers(passages, plan.answering, answerer, options_of(plan.answering)))

    async def _stored(self, tx: Transaction, run_id: str) -> Run:
        run = await RunStore(tx).one_or_none(run_id)
        if run is None:
            raise NotFound(f"there is no run {run_id}")
        return run


def _summary(plan: Plan, cases: Sequence[Case], results: Sequence[CaseResult]) -> dict[str, Any]:
    """What was measured, and beside it what the control cases say of the scorers."""
    summary = summarise(
        [result for result in results if not result.is_control],
        planned=len(measured(cases)),
        metrics=plan.metrics,
        axes=plan.suite.slices,
        lower=LOWER_IS_BETTER,
        counterfactuals=plan.suite.counterfactuals,
    )
    allowed = plan.suite.controls.max_missed if plan.suite.controls else 0
    controls = control_summary(results, plan.measures, allowed)
    return summary if controls is None else {**summary, "controls": controls}


async def load_plan(
    registry: Catalogue, tx: Transaction, project: str, suite: str, subject: str
) -> tuple[Plan, tuple[Case, ...]]:
    """The plan of a run and its cases, from the two digests. Raises `Invalid` where they do not go together."""
    plan = make_plan(await registry.closure(tx, project, suite), await registry.closure(tx, project, subject))
    return plan, plan.cases(await registry.read_blob(tx, project, plan.dataset.content))


async def enter(ledger: Ledger, tx: Transaction, run: Run, kind: str, principal: str, body: Mapping[str, Any]) -> None:
    """Write a run's change of state into the ledger."""
    await ledger.append(
        tx, kind=kind, project=run.project, principal=principal, subject=run.subject, body={"run": run.id, **body}
    )


async def end_cancelled(ledger: Ledger, clock: Clock, tx: Transaction, run: Run, principal: str) -> None:
    """End a run as cancelled, once."""
    if await RunStore(tx).end(run.id, RunState.CANCELLED, epoch_ms(clock.now()), reason="cancelled"):
        await enter(ledger, tx, run, "run.cancelled", principal, {"suite": run.suite})


def final_digest(run: Run, state: RunState, summary: Mapping[str, Any], results: Sequence[CaseResult]) -> str:
    """Digest over what was measured: versions, summary, every case result in order. Not over times."""
    imported = {} if run.answers is None else {"origin": run.origin.value, "answers": run.answers}
    return digest_of(
        {
            **imported,
            "schema": "sekisho.run/v1",
            "suite": run.suite,
            "dataset": run.dataset,
            "subject": run.subject,
            "state": state.value,
            "summary": dict(summary),
            "results": [result.canonical() for result in results],
        }
    )


async def _moved(role: str, checked: RunTarget | Judge) -> str | None:
    """Why the answers, or the verdicts on them, may come from two models, or None."""
    try:
        await checked.check()
    except ModelFailed as error:
        return f"the {role} changed during the run: {error.detail}"
    return None
