"""Use cases of judge qualification: ask for one, do it, read it. `Evaluation` says to the gate what was found."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sekisho.evaluation.judges.agreement import agreement
from sekisho.evaluation.judges.asking import Judge, open_judge
from sekisho.evaluation.judges.choosing import Finds, Models, choose, digest_of_instrument, measure_of, model_of
from sekisho.evaluation.judges.labels import Labelled, parse_labels
from sekisho.evaluation.judges.rating import Beat, Verdict, rate, shown
from sekisho.evaluation.judges.store import QualificationStore
from sekisho.evaluation.judges.types import Instrument, Qualification
from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import Conflict, FieldError, Invalid, ModelFailed, NotFound, SekishoError
from sekisho.kernel.jobs import Cancelled, Job, Jobs, JobState, LeaseLost, Progress
from sekisho.kernel.pages import Cursor, Page, page_of, parse_cursor, parse_limit
from sekisho.ledger.service import Ledger

KIND: Final = "qualify"
BEAT_S: Final = 0.5


@dataclass(frozen=True)
class Judging:
    """`concurrency` labelled rows at a time; progress is reported at most every `beat_s` seconds."""

    database: Database
    clock: Clock
    ledger: Ledger
    jobs: Jobs
    registry: Finds
    inference: Models
    concurrency: int = 4
    beat_s: float = BEAT_S
    monotonic: Callable[[], float] = time.monotonic

    async def qualify(
        self, actor: Actor, project: str, judge: str, labels: str, scorer: str | None = None, votes: int = 1
    ) -> Job:
        """Pin the instrument and the labels (a blob's digest) and queue the work; gives the job.

        Raises `Invalid` for labels or an instrument that cannot be used, `NotFound`, `ModelFailed`.
        """
        actor.require(project, Action.EVALUATE)
        async with self.database.read() as tx:
            content = await self.registry.read_blob(tx, project, labels)
        rows = await asyncio.to_thread(parse_labels, content)
        instrument = await choose(self.registry, self.inference, self.database, project, judge, scorer, votes)
        _check_fit(instrument, rows)
        payload = {"instrument": instrument.as_json(), "labels": labels}
        async with self.database.write() as tx:
            job_id = await self.jobs.enqueue(tx, project=project, kind=KIND, payload=payload, principal=actor.principal)
            # Also the qualifications that are never finished are told: nobody tries labels in secret.
            body = {"qualification": job_id, "name": instrument.name, "scorer": instrument.scorer, "labels": labels}
            await self._enter(tx, "qualification.started", project, actor.principal, instrument, body)
        return await self.jobs.one(project, job_id)

    async def execute(self, job: Job) -> None:
        """Do a qualification. Called by a worker that holds the job; model calls made before are not made again."""
        try:
            await self._execute(job)
        except Cancelled:
            async with self.database.write() as tx:
                await self.jobs.finish(tx, job, JobState.CANCELLED)
        except LeaseLost:
            raise
        except SekishoError as error:
            async with self.database.write() as tx:
                await self.jobs.finish(tx, job, JobState.FAILED, error=str(error))

    async def one(self, actor: Actor, project: str, qualification_id: str) -> Qualification | Job:
        """The qualification, or its job where it has not come to its end. Raises `NotFound`."""
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            found = await QualificationStore(tx).one_or_none(qualification_id)
        if found is not None and found.project == project:
            return found
        return await self._job(project, qualification_id)

    async def page(
        self, actor: Actor, project: str, *, instrument: str | None, cursor: str | None, limit: int
    ) -> Page[Qualification]:
        """What was found, newest first; of one instrument where its digest is given."""
        actor.require(project, Action.READ)
        after, size = parse_cursor(cursor), parse_limit(limit)
        async with self.database.read() as tx:
            found = await QualificationStore(tx).page(project, instrument, after, size + 1)
        return page_of(found, size, lambda one: Cursor(one.created_at, one.id))

    async def cancel(self, actor: Actor, project: str, qualification_id: str) -> Job:
        """Ask for an end. Raises `Conflict` where it has ended."""
        actor.require(project, Action.EVALUATE)
        job = await self._job(project, qualification_id)
        if job.state.over:
            raise Conflict(f"qualification {job.id} has ended already: it is {job.state}")
        async with self.database.write() as tx:
            await self.jobs.cancel(tx, job.id)
        return await self.jobs.one(project, job.id)

    async def _execute(self, job: Job) -> None:
        instrument = msgspec.convert({"model": None, **job.payload["instrument"]}, Instrument)
        labels = str(job.payload["labels"])
        async with self.database.read() as tx:
            content = await self.registry.read_blob(tx, job.project, labels)
        rows = await asyncio.to_thread(parse_labels, content)
        model = model_of(instrument)
        judge = None if model is None else await open_judge(self.inference, model)

        measure, beat = measure_of(instrument), self._beat(job, len(rows))
        await beat(0)
        verdicts = await rate(rows, measure, judge, concurrency=self.concurrency, beat=beat)
        await _still(judge)
        result = await asyncio.to_thread(_result, verdicts)
        found = Qualification(
            id=job.id,
            project=job.project,
            instrument=digest_of_instrument(instrument),
            name=instrument.name,
            scorer=instrument.scorer,
            model=None if model is None else model.digest,
            family=None if model is None else model.family,
            labels=labels,
            result=result,
            principal=job.principal,
            created_at=epoch_ms(self.clock.now()),
        )
        await self._finish(job, instrument, found)

    def _beat(self, job: Job, rows: int) -> Beat:
        """Reports progress, not more often than is useful. Raises `Cancelled` and `LeaseLost`."""
        last = -math.inf

        async def beat(done: int) -> None:
            nonlocal last
            if done < rows and self.monotonic() - last < self.beat_s:
                return
            last = self.monotonic()
            if await self.jobs.beat(job, Progress(done, rows, "rows")):
                raise Cancelled

        return beat

    async def _finish(self, job: Job, instrument: Instrument, found: Qualification) -> None:
        async with self.database.write() as tx:
            done = {"qualification": found.id, "instrument": found.instrument}
            await self.jobs.finish(tx, job, JobState.DONE, result=done)
            await QualificationStore(tx).insert(found)
            figures = {name: found.result[name] for name in ("n", "scored", "kappa_bp", "kappa_low_bp")}
            body = {
                "qualification": found.id,
                "name": found.name,
                "scorer": found.scorer,
                "labels": found.labels,
                "result": digest_of(dict(found.result)),
                **figures,
            }
            await self._enter(tx, "qualification.finished", job.project, job.principal, instrument, body)

    async def _enter(
        self, tx: Transaction, kind: str, project: str, principal: str, instrument: Instrument, body: dict[str, Any]
    ) -> None:
        subject = digest_of_instrument(instrument)
        await self.ledger.append(tx, kind=kind, project=project, principal=principal, subject=subject, body=body)

    async def _job(self, project: str, job_id: str) -> Job:
        job = await self.jobs.one(project, job_id)
        if job.kind != KIND:
            raise NotFound(f"there is no qualification {job_id} in project {project}")
        return job


def _result(verdicts: tuple[Verdict, ...]) -> dict[str, Any]:
    return {**agreement([one.rated for one in verdicts]).as_json(), **shown(verdicts)}


async def _still(judge: Judge | None) -> None:
    """Raises `ModelFailed` where the verdicts may come from two models: then they are nobody's."""
    if judge is None:
        return
    try:
        await judge.check()
    except ModelFailed as error:
        raise ModelFailed(
            f"the judge changed during its qualification: {error.detail}", remedy=error.remedy or "qualify it again"
        ) from error


def _check_fit(instrument: Instrument, rows: Sequence[Labelled]) -> None:
    """Labels must hold what the scorer reads, or all of it would come out as Unscored."""
    cases = [row.sample.case for row in rows]
    held = {"expected": any(case.expected for case in cases), "question": any(case.question for case in cases)}
    reads = measure_of(instrument).scorer.reads
    wrong = [
        FieldError("$.labels", f"none of the {len(rows)} rows has `{name}`, which {instrument.scorer} reads")
        for name, there in held.items()
        if name in reads and not there
    ]
    if wrong:
        raise Invalid("the labels cannot be used", fields=wrong, remedy="add it to the rows, or qualify another scorer")
