"""The queue."""

from __future__ import annotations

import pytest
from tests.clocks import FixedClock

from sekisho.kernel.database import Database
from sekisho.kernel.jobs import Jobs, JobState, LeaseLost, Progress


@pytest.fixture
def jobs(database: Database, clock: FixedClock) -> Jobs:
    return Jobs(database, clock, lease_ms=1000)


async def enqueue(jobs: Jobs, kind: str = "run") -> str:
    async with jobs.database.write() as tx:
        return await jobs.enqueue(tx, project="default", kind=kind, payload={"n": 1}, principal="ci")


async def test_a_job_is_claimed_once(jobs: Jobs) -> None:
    """A held job is nobody else's until its lease runs out."""
    await enqueue(jobs)
    first = await jobs.claim(["run"], "worker-1")
    assert first is not None
    assert await jobs.claim(["run"], "worker-2") is None


async def test_a_silent_worker_loses_its_job(jobs: Jobs, clock: FixedClock) -> None:
    """After the lease another worker goes on, and the first one's beat is refused."""
    await enqueue(jobs)
    first = await jobs.claim(["run"], "worker-1")
    clock.advance(1001)
    second = await jobs.claim(["run"], "worker-2")
    assert first is not None
    assert second is not None
    assert second.id == first.id
    with pytest.raises(LeaseLost):
        await jobs.beat(first, Progress(1, 2, "cases"))


async def test_a_job_that_kills_its_workers_is_given_up(jobs: Jobs, clock: FixedClock) -> None:
    """The fifth silent worker is the last."""
    job_id = await enqueue(jobs)
    for n in range(5):
        assert await jobs.claim(["run"], f"worker-{n}") is not None
        clock.advance(1001)
    assert await jobs.claim(["run"], "worker-6") is None
    job = await jobs.one("default", job_id)
    assert job.state is JobState.FAILED
    assert "given up" in (job.error or "")


async def test_cancelling_reaches_a_running_worker_at_its_next_beat(jobs: Jobs, clock: FixedClock) -> None:
    """A queued job ends at once; a running one hears of it when it reports."""
    running = await enqueue(jobs)
    clock.advance(1)  # jobs of one millisecond have no order
    queued = await enqueue(jobs)
    job = await jobs.claim(["run"], "worker-1")
    assert job is not None
    async with jobs.database.write() as tx:
        await jobs.cancel(tx, running)
        await jobs.cancel(tx, queued)
    assert await jobs.beat(job, Progress()) is True
    assert (await jobs.one("default", queued)).state is JobState.CANCELLED
