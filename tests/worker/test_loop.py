"""The worker's loop, with work that tests steer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sekisho.kernel.clock import SystemClock
from sekisho.kernel.database import Database
from sekisho.kernel.errors import ModelFailed, Unavailable
from sekisho.kernel.jobs import Job, Jobs, JobState, Progress
from sekisho.worker.loop import Handler, Worker

LEASE_MS = 900


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database, SystemClock(), LEASE_MS)


class PanicError(BaseException):
    """What native code raises when it panics: no `Exception`."""


@dataclass
class Work:
    """Does jobs as told by their payload, and remembers who was in hand together."""

    jobs: Jobs
    now: set[str] = field(default_factory=set)
    together: set[frozenset[str]] = field(default_factory=set)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def do(self, job: Job) -> None:
        self.now.add(job.kind)
        self.together.add(frozenset(self.now))
        self.reached.set()
        try:
            await self._do(job)
        finally:
            self.now.discard(job.kind)

    async def _do(self, job: Job) -> None:
        match job.payload["do"]:
            case "refuse":
                raise ModelFailed("the host went away", remedy="start it again")
            case "panic":
                raise PanicError("index out of bounds")
            case "forget":
                return
            case "hang":
                await asyncio.sleep(3600)
            case _:
                await asyncio.sleep(0.2)
        async with self.jobs.database.write() as tx:
            await self.jobs.finish(tx, job, JobState.DONE, result={"by": job.lease_owner})


@pytest.fixture
def work(jobs: Jobs) -> Work:
    return Work(jobs)


@asynccontextmanager
async def working(jobs: Jobs, do: Handler, owner: str = "worker-1") -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    handlers = dict.fromkeys(("build", "verify", "search", "run"), do)
    task = asyncio.create_task(Worker(jobs, handlers, owner, poll_s=0.02).run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def enqueue(jobs: Jobs, kind: str, do: str = "well") -> str:
    async with jobs.database.write() as tx:
        return await jobs.enqueue(tx, project="default", kind=kind, payload={"do": do}, principal="ci")


async def over(jobs: Jobs, job_id: str) -> Job:
    return await eventually(jobs, job_id, lambda job: job.state.over)


async def eventually(jobs: Jobs, job_id: str, holds: Callable[[Job], bool]) -> Job:
    async with asyncio.timeout(20):
        while not holds(job := await jobs.one("default", job_id)):
            await asyncio.sleep(0.02)
        return job


async def test_a_failing_job_ends_with_its_reason_and_the_worker_goes_on(jobs: Jobs, work: Work) -> None:
    """What a model host did stands in the job; the next job is done."""
    bad, good = await enqueue(jobs, "run", "refuse"), await enqueue(jobs, "run")
    async with working(jobs, work.do):
        failed, done = await over(jobs, bad), await over(jobs, good)
    assert failed.state is JobState.FAILED
    assert failed.error == "the host went away\n  what to do: start it again"
    assert done.state is JobState.DONE


async def test_a_panic_of_native_code_fails_its_job_only(jobs: Jobs, work: Work) -> None:
    """A panic is no `Exception`, and still costs one job, not the worker."""
    bad, good = await enqueue(jobs, "build", "panic"), await enqueue(jobs, "build")
    async with working(jobs, work.do):
        failed, done = await over(jobs, bad), await over(jobs, good)
    assert failed.state is JobState.FAILED
    assert failed.error == "unexpected PanicError: index out of bounds"
    assert done.state is JobState.DONE


async def test_work_that_stores_no_outcome_is_a_failure(jobs: Jobs, work: Work) -> None:
    """A job never stays running after its work came back."""
    job_id = await enqueue(jobs, "verify", "forget")
    async with working(jobs, work.do):
        job = await over(jobs, job_id)
    assert job.state is JobState.FAILED
    assert job.error == "the work came back without an outcome"


async def test_a_run_and_a_search_go_on_beside_a_build(jobs: Jobs, work: Work) -> None:
    """Different lanes at once; two builds, or a build and its verification, one after the other."""
    kinds = ("build", "build", "verify", "search", "run")
    ids = [await enqueue(jobs, kind) for kind in kinds]
    async with working(jobs, work.do):
        for job_id in ids:
            assert (await over(jobs, job_id)).state is JobState.DONE
    assert frozenset({"build", "search", "run"}) in work.together
    assert not any({"build", "verify"} <= kinds for kinds in work.together)


async def test_a_stopping_worker_gives_its_job_back(jobs: Jobs, work: Work) -> None:
    """Another worker may claim it at once, and the attempt is not counted."""
    job_id = await enqueue(jobs, "run", "hang")
    async with working(jobs, work.do) as stop:
        await work.reached.wait()
        stop.set()
    job = await jobs.one("default", job_id)
    assert job.state is JobState.QUEUED
    assert job.attempts == 0
    assert job.lease_owner is None


async def test_a_long_job_keeps_its_lease_and_its_progress(jobs: Jobs, work: Work) -> None:
    """Beats renew the lease well past its length, and leave the room's own progress as it is."""

    async def slow(job: Job) -> None:
        await jobs.beat(job, Progress(3, 9, "cases"))
        await asyncio.sleep(LEASE_MS / 1000 * 2)
        async with jobs.database.write() as tx:
            await jobs.finish(tx, job, JobState.DONE)

    job_id = await enqueue(jobs, "run")
    async with working(jobs, slow), working(jobs, slow, "worker-2"):
        job = await over(jobs, job_id)
    assert job.state is JobState.DONE
    assert job.attempts == 1
    assert job.progress == Progress(3, 9, "cases")


async def test_cancelling_stops_work_that_does_not_look(jobs: Jobs, work: Work) -> None:
    """A room that never asks whether it was cancelled is stopped at the second beat."""
    job_id = await enqueue(jobs, "build", "hang")
    async with working(jobs, work.do):
        await work.reached.wait()
        async with jobs.database.write() as tx:
            await jobs.cancel(tx, job_id)
        assert (await over(jobs, job_id)).state is JobState.CANCELLED


async def test_a_job_taken_over_is_left_to_its_new_holder(jobs: Jobs, work: Work) -> None:
    """The first worker notices at its next beat, and writes nothing about a job that is not its own."""
    job_id = await enqueue(jobs, "run", "hang")
    async with working(jobs, work.do):
        await work.reached.wait()
        held = await jobs.one("default", job_id)
        await jobs.release(held)
        taken = await jobs.claim(["run"], "worker-2")
        assert taken is not None
        async with asyncio.timeout(10):
            while work.now:
                await asyncio.sleep(0.02)
    after = await jobs.one("default", job_id)
    assert after.state is JobState.RUNNING
    assert after.lease_owner == "worker-2"


async def test_a_database_that_is_away_does_not_end_the_worker(
    jobs: Jobs, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks again until the database is back."""
    claim: Callable[..., Awaitable[Job | None]] = Jobs.claim
    outages = iter([True, True])

    async def flaky(self: Jobs, kinds: list[str], owner: str) -> Job | None:
        if next(outages, False):
            raise Unavailable("the database did not take the request")
        return await claim(self, kinds, owner)

    monkeypatch.setattr(Jobs, "claim", flaky)
    job_id = await enqueue(jobs, "run")
    async with working(jobs, work.do):
        assert (await over(jobs, job_id)).state is JobState.DONE
