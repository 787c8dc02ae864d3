"""Use cases of evaluation: ask for a run, do it, read it, compare two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile
from typing import Any, Final

from sekisho.evaluation import replay
from sekisho.evaluation.case_source import open_cases
from sekisho.evaluation.execution import Execution, end_cancelled, enter, load_plan
from sekisho.evaluation.families import claims_beside
from sekisho.evaluation.judges.store import QualificationStore
from sekisho.evaluation.margins import Margins, NoMargins, stage_verdict
from sekisho.evaluation.neighbours import Catalogue, Indexes, Models
from sekisho.evaluation.progress import Progressed, Watch, events
from sekisho.evaluation.recorded import parse_recorded
from sekisho.evaluation.reporting import compared_runs, read_measured, read_report
from sekisho.evaluation.reports import json as report
from sekisho.evaluation.reports.formats import Rendered, Wish, render
from sekisho.evaluation.reports.shape import Report
from sekisho.evaluation.spooling import Spooled, spool_junit
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.types import CaseResult, Origin, Run, RunState
from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import is_digest
from sekisho.kernel.errors import Archived, Conflict, FieldError, Invalid, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.jobs import Job, Jobs, JobState
from sekisho.kernel.pages import Cursor, Page, page_of, parse_cursor, parse_limit
from sekisho.kernel.references import Reference, parse_reference
from sekisho.ledger.service import Ledger

KIND: Final = "run"
BEAT_S: Final = 0.5
WATCH_S: Final = 0.5
"""How often, at most, a run is looked at for those who watch it."""


@dataclass(frozen=True)
class Evaluation:
    """`concurrency` cases of a run at a time; `beat_s` is how often, at most, a run reports its progress.

    `server` is the address at which others find the API, where it is known: reports name it.
    """

    database: Database
    clock: Clock
    ledger: Ledger
    jobs: Jobs
    registry: Catalogue
    indexing: Indexes
    inference: Models
    concurrency: int = 4
    beat_s: float = BEAT_S
    margins: Margins = field(default_factory=NoMargins)
    server: str = ""
    _watch: Watch = field(default_factory=lambda: Watch(WATCH_S), init=False, repr=False, compare=False)

    async def start_run(
        self,
        actor: Actor,
        project: str,
        suite_ref: str,
        subject_ref: str,
        idempotency_key: str | None = None,
        answers: str | None = None,
    ) -> Run:
        """Pin suite, dataset and subject by digest, and queue the run.

        `answers` is the digest of a blob of recorded answers: they are scored instead of the subject's own, and the
        run is imported by the actor, not measured. The same key of the same principal gives the same run again.
        Raises `Invalid` where the suite cannot measure the subject or an answer fits no case, `Archived` where
        either takes nothing new, `Conflict` where the key meant another run.
        """
        actor.require(project, Action.EVALUATE)
        key = _key(idempotency_key)
        with TemporaryFile() as dataset:
            async with self.database.read() as tx:
                suite = await self.registry.find(tx, _reference(suite_ref, project, "$.suite"))
                subject = await self.registry.find(tx, _reference(subject_ref, project, "$.subject"))
                plan = await load_plan(self.registry, tx, project, suite.digest, subject.digest, dataset)
                recorded = None if answers is None else await self.registry.read_blob(tx, project, answers)
            cases = await open_cases(plan, dataset)
            if recorded is not None:
                parse_recorded(recorded, {case.id for case in cases})
        for version in (suite, subject):
            if version.archived:
                raise Archived(f"{version} is archived", remedy="restore it, or evaluate another version")
        now = self.clock.now()
        run = Run(
            id=new_id(now),
            project=project,
            state=RunState.QUEUED,
            origin=Origin.MEASURED if answers is None else Origin.IMPORTED,
            suite=suite.digest,
            suite_name=suite.name,
            dataset=plan.suite.dataset,
            subject=subject.digest,
            subject_kind=subject.kind.value,
            subject_name=subject.name,
            target=plan.target,
            principal=actor.principal,
            job_id="",
            answers=answers,
            planned=len(cases) * plan.suite.repeats,
            done=0,
            engine={},
            summary=None,
            final_digest=None,
            reason=None,
            created_at=epoch_ms(now),
            started_at=None,
            finished_at=None,
        )
        return await self._queue(run, key)

    async def run(self, actor: Actor, project: str, run_id: str) -> Run:
        """Raises `NotFound` also for another project's run."""
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            return await self._one(tx, project, run_id)

    async def events(self, actor: Actor, project: str, run_id: str) -> AsyncIterator[Progressed]:
        """The run's progress as it changes, and every few seconds, until it is over.

        Raises `NotFound` before the first event.
        """
        await self.run(actor, project, run_id)

        async def look() -> Run:
            return await self.run(actor, project, run_id)

        return events(lambda: self._watch.look(run_id, look), WATCH_S)

    async def runs(
        self,
        actor: Actor,
        project: str,
        *,
        subject: str | None = None,
        suite: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[Run]:
        """Runs, newest first; `subject` and `suite` are references or digests."""
        actor.require(project, Action.READ)
        after, size = parse_cursor(cursor), parse_limit(limit)
        async with self.database.read() as tx:
            wanted = [None if ref is None else await self._digest(tx, project, ref) for ref in (subject, suite)]
            found = await RunStore(tx).page(project, wanted[0], wanted[1], after, size + 1)
            page = page_of(found, size, lambda run: Cursor(run.created_at, run.id))
            return Page(tuple([await self._as_it_is(tx, run) for run in page.items]), page.next_cursor)

    async def cases(
        self, actor: Actor, project: str, run_id: str, *, cursor: str | None = None, limit: int = 50
    ) -> Page[CaseResult]:
        """A run's case results so far, by repeat and case."""
        actor.require(project, Action.READ)
        after, size = parse_cursor(cursor), parse_limit(limit)
        async with self.database.read() as tx:
            await self._one(tx, project, run_id)
            found = await RunStore(tx).results_page(run_id, after, size + 1)
        return page_of(found, size, lambda case: Cursor(case.repeat, case.case_id))

    async def report(
        self, actor: Actor, project: str, run_id: str, wish: Wish | None = None, baseline_id: str | None = None
    ) -> Report:
        """The report of a run (``sekisho.report/v2``); of one that has not ended, what is known so far.

        With a baseline, also what changed since that run. Raises `Invalid` where it measured by another suite.
        """
        async with self.database.read() as tx:
            run, before = await self._reported(tx, actor, project, run_id, baseline_id)
            return await read_report(tx, run, before, self._at(wish or Wish()))

    async def spooled_report(
        self, actor: Actor, project: str, run_id: str, wish: Wish, baseline_id: str | None = None
    ) -> Spooled:
        """The report of every case as JUnit, in a file; otherwise as `report`."""
        async with self.database.read() as tx:
            run, before = await self._reported(tx, actor, project, run_id, baseline_id)
            return await spool_junit(tx, run, before, self._at(wish))

    async def rendered_report(
        self, actor: Actor, project: str, run_id: str, wish: Wish, baseline_id: str | None = None
    ) -> Rendered:
        """The report in the format and language of the wish."""
        found = await self.report(actor, project, run_id, wish, baseline_id)
        return await asyncio.to_thread(render, found, wish)

    async def compare(
        self, actor: Actor, project: str, baseline_id: str, candidate_id: str, stage: str | None = None
    ) -> dict[str, Any]:
        """Paired comparison of two runs; with a stage, what it says of the margins that policy sets there.

        Holm's steps then go over the margins of every suite at the stage, since a decision judges them together.
        Raises `Invalid` where they measured by different suites, and for a stage that there is not.
        """
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            baseline = await self._one(tx, project, baseline_id)
            candidate = await self._one(tx, project, candidate_id)
            _comparable(baseline, candidate)
            path = f"{project}/{candidate.subject_kind}/{candidate.subject_name}"
            family = {} if stage is None else self.margins.of(path, stage)
            limits = family.get(candidate.suite, {})
            beside = await claims_beside(tx, baseline, candidate, family) if limits else {}
            before, after = await read_measured(tx, baseline), await read_measured(tx, candidate)
        metrics = await asyncio.to_thread(compared_runs, before, after, limits, beside)
        found = report.comparison_json(baseline, candidate, metrics)
        return found if stage is None else {**found, "stage": stage_verdict(stage, limits, metrics, beside)}

    async def cancel(self, actor: Actor, project: str, run_id: str) -> Run:
        """Ask for an end: a queued run ends at once, a running one within its next beat. Raises `Conflict`."""
        actor.require(project, Action.EVALUATE)
        async with self.database.write() as tx:
            run = await self._one(tx, project, run_id)
            if run.state.over:
                raise Conflict(f"run {run_id} has ended already: it is {run.state}")
            await self.jobs.cancel(tx, run.job_id)
            job = await self.jobs.one_or_none(tx, run.job_id)
            if job is not None and job.state is JobState.CANCELLED:
                await end_cancelled(self.ledger, self.clock, tx, run, actor.principal)
        return await self.run(actor, project, run_id)

    async def request_replay(self, actor: Actor, project: str, run_id: str) -> Job:
        """Queue a replay of a run: everything computed again from what models answered then, and compared.

        Raises `Conflict` where the run has no result.
        """
        actor.require(project, Action.EVALUATE)
        async with self.database.write() as tx:
            run = await self._one(tx, project, run_id)
            if run.final_digest is None:
                raise Conflict(f"run {run_id} has no result: it is {run.state}", remedy="replay a run that has ended")
            job_id = await self.jobs.enqueue(
                tx, project=project, kind=replay.KIND, payload={"run": run_id}, principal=actor.principal
            )
        return await self.jobs.one(project, job_id)

    async def replay(self, actor: Actor, project: str, run_id: str, job_id: str) -> Job:
        """A replay of this run: how far it is, or what it found. Raises `NotFound`."""
        actor.require(project, Action.READ)
        job = await self.jobs.one(project, job_id)
        if job.kind != replay.KIND or job.payload["run"] != run_id:
            raise NotFound(f"there is no replay {job_id} of run {run_id}")
        return job

    async def execute_replay(self, job: Job) -> None:
        """Replay a run. Called by a worker that holds the job; ends it. Raises `LeaseLost`."""
        await replay.Replaying(
            self.database, self.jobs, self.registry, self.indexing, self.inference, self.concurrency
        ).replay(job)

    async def execute(self, job: Job) -> None:
        """Do a run, from where it stands. Called by a worker that holds the job; ends run and job together.

        Raises `LeaseLost` where another worker took over, and what is neither a case's nor the run's own failure.
        """
        await Execution(
            self.database, self.clock, self.ledger, self.jobs, self.registry, self.indexing, self.inference,
            self.concurrency, self.beat_s,
        ).execute(job)  # fmt: skip

    async def qualifications(self, tx: Transaction, project: str, digests: Collection[str]) -> list[dict[str, Any]]:
        """What was found of these instruments on labelled answers, oldest first, in the shape of the gate's input."""
        return [found.evidence() for found in await QualificationStore(tx).all(project, digests)]

    async def _queue(self, run: Run, key: str | None) -> Run:
        async with self.database.write() as tx:
            store = RunStore(tx)
            known = None if key is None else await store.by_key(run.project, run.principal, key)
            if known is not None:
                if (known.suite, known.subject, known.answers) != (run.suite, run.subject, run.answers):
                    raise Conflict(f"the idempotency key was used for run {known.id}, of other versions")
                return await self._as_it_is(tx, known)
            job_id = await self.jobs.enqueue(
                tx, project=run.project, kind=KIND, payload={"run": run.id}, principal=run.principal
            )
            queued = report.with_job(run, job_id)
            await store.insert(queued, key)
            body = {"suite": run.suite, "dataset": run.dataset, "cases": run.planned, "origin": run.origin.value}
            if run.answers is not None:
                body["answers"] = run.answers
            await enter(self.ledger, tx, run, "run.started", run.principal, body)
        return queued

    def _at(self, wish: Wish) -> Wish:
        """The wish, and where its reader finds more."""
        return replace(wish, server=self.server)

    async def _reported(
        self, tx: Transaction, actor: Actor, project: str, run_id: str, baseline_id: str | None
    ) -> tuple[Run, Run | None]:
        """A run, and the one to compare it with where one is named."""
        actor.require(project, Action.READ)
        run = await self._one(tx, project, run_id)
        before = None if baseline_id is None else await self._one(tx, project, baseline_id)
        if before is not None:
            _comparable(before, run)
        return run, before

    async def _one(self, tx: Transaction, project: str, run_id: str) -> Run:
        run = await RunStore(tx).one_or_none(run_id)
        if run is None or run.project != project:
            raise NotFound(f"there is no run {run_id} in project {project}")
        return await self._as_it_is(tx, run)

    async def _as_it_is(self, tx: Transaction, run: Run) -> Run:
        """A run whose job ended without it (its workers died, or it crashed) has ended too."""
        if run.state.over:
            return run
        job = await self.jobs.one_or_none(tx, run.job_id)
        return report.ended_by_job(run, job)

    async def _digest(self, tx: Transaction, project: str, reference: str) -> str:
        if is_digest(reference):
            return reference
        return (await self.registry.find(tx, _reference(reference, project, "$.reference"))).digest


def _comparable(baseline: Run, candidate: Run) -> None:
    for run in (baseline, candidate):
        if run.summary is None:
            raise Conflict(f"run {run.id} has no result: it is {run.state}", remedy="wait for its end, or run it again")
    if baseline.suite != candidate.suite:
        raise Invalid(
            "the two runs measured by different suite versions, so their cases cannot be paired",
            fields=[FieldError("$.candidate", f"suite {candidate.suite}; the baseline's is {baseline.suite}")],
        )


def _reference(text: str, project: str, path: str) -> Reference:
    reference = parse_reference(text, project=project)
    if reference.project != project:
        raise Invalid("the version is another project's", fields=[FieldError(path, f"name one of project {project}")])
    return reference


def _key(text: str | None) -> str | None:
    if text is not None and not 1 <= len(text) <= 200:
        raise Invalid("the idempotency key is not valid", fields=[FieldError("Idempotency-Key", "1 to 200 characters")])
    return text
