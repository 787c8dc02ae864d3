"""Worker processes: killed, stopped, and two at once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sekisho.kernel.clock import SystemClock
from sekisho.kernel.database import Database
from sekisho.kernel.errors import Conflict
from sekisho.kernel.jobs import Job, Jobs, JobState
from sekisho.worker.ownership import sole_owner

Start = Callable[[str], subprocess.Popen[bytes]]
ROOT = Path(__file__).parents[2]
HOLD = """
import pathlib, sys
from sekisho.worker.ownership import sole_owner
with sole_owner(pathlib.Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def start(database_url: str, data_dir: Path) -> Iterator[Start]:
    """Start a slow worker on this test's database."""
    started: list[subprocess.Popen[bytes]] = []

    def start(owner: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.worker.slow_worker", database_url, str(data_dir), owner]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def enqueue(jobs: Jobs) -> str:
    async with jobs.database.write() as tx:
        return await jobs.enqueue(tx, project="default", kind="run", payload={}, principal="ci")


async def eventually(jobs: Jobs, job_id: str, holds: Callable[[Job], bool]) -> Job:
    async with asyncio.timeout(60):
        while not holds(job := await jobs.one("default", job_id)):
            await asyncio.sleep(0.05)
        return job


async def test_a_killed_workers_job_is_resumed_by_another(database: Database, data_dir: Path, start: Start) -> None:
    """After kill -9 nothing is lost and nothing is done twice: the second worker goes on from what was stored."""
    jobs = Jobs(database, SystemClock(), lease_ms=1000)
    job_id = await enqueue(jobs)
    first = start("worker-1")
    await eventually(jobs, job_id, lambda job: job.progress.done >= 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    start("worker-2")
    job = await eventually(jobs, job_id, lambda job: job.state.over)
    rows = [line.split() for line in (data_dir / "rows").read_text().splitlines()]
    assert job.state is JobState.DONE
    assert job.attempts == 2
    assert [int(unit) for unit, _ in rows] == list(range(10))
    assert {owner for _, owner in rows} == {"worker-1", "worker-2"}


async def test_a_terminated_worker_gives_its_job_back_and_ends_well(database: Database, start: Start) -> None:
    """SIGTERM releases the job without waiting for the lease, and the exit code is 0."""
    jobs = Jobs(database, SystemClock(), lease_ms=1000)
    job_id = await enqueue(jobs)
    process = start("worker-1")
    await eventually(jobs, job_id, lambda job: job.progress.done >= 1)
    process.terminate()
    assert await asyncio.to_thread(process.wait, 20) == 0
    job = await jobs.one("default", job_id)
    assert job.state is JobState.QUEUED
    assert job.attempts == 0


def test_a_second_owner_of_the_folder_is_refused(data_dir: Path) -> None:
    """Chroma's folder has one owner; the refusal names its process and the way out."""
    command = [sys.executable, "-c", HOLD, str(data_dir)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"mine\n"
    with pytest.raises(Conflict, match=f"process {holder.pid}") as refusal, sole_owner(data_dir):
        pytest.fail("two owners")
    assert "SEKISHO_CHROMA_URL" in (refusal.value.remedy or "")
    holder.kill()
    holder.communicate()
    with sole_owner(data_dir):
        assert (data_dir / "worker.lock").exists()
