"""A run whose worker is killed, for real, at moments that nobody chose."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from sekisho.evaluation.types import Run, RunState
from sekisho.kernel.database import Database
from sekisho.kernel.jobs import JobState
from tests.clocks import FixedClock
from tests.evaluation.fakes import AUTHOR, World
from tests.evaluation.slow_runner import CASES, killed_world

ROOT = Path(__file__).parents[2]
KILLS = 3


async def asked_for(world: World) -> Run:
    return await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval@latest", "agent/docs@latest")


async def killed(world: World, run: Run, database_url: str, data_dir: Path, attempt: int) -> Run:
    """Let a worker of its own process begin, and kill it at some moment; a later one not before it stored anything."""
    runner = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.evaluation.slow_runner", database_url, str(data_dir), str(attempt),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert runner.stdout is not None
    assert (await runner.stdout.readline()).strip() == b"searches"
    await asyncio.sleep(random.uniform(0, 0.5))
    async with asyncio.timeout(60):
        while attempt > 1 and not (await world.evaluation.run(AUTHOR, "default", run.id)).done:
            await asyncio.sleep(0.02)
    runner.kill()
    assert await runner.wait() == -9
    return await world.evaluation.run(AUTHOR, "default", run.id)


@pytest.mark.slow
async def test_a_killed_run_is_resumed_to_an_undisturbed_runs_digest(
    database: Database, database_url: str, data_dir: Path, clock: FixedClock
) -> None:
    """After each SIGKILL what was measured stands; the last worker measures only the rest, each case once."""
    world = killed_world(database, clock, data_dir)
    quiet = await asked_for(world)
    await world.evaluation.execute(await world.claim())
    quiet = await world.evaluation.run(AUTHOR, "default", quiet.id)

    run = await asked_for(world)
    done = [0]
    for attempt in range(1, KILLS + 1):
        after = await killed(world, run, database_url, data_dir, attempt)
        assert after.state is RunState.RUNNING
        done.append(after.done)
    assert done == sorted(done)
    assert done[-1] > 0

    clock.advance((KILLS + 1) * 60_000)
    world.index.asked.clear()
    job = await world.claim("worker-last")
    assert job.attempts == KILLS + 1
    await world.evaluation.execute(job)
    ended = await world.evaluation.run(AUTHOR, "default", run.id)
    assert (ended.state, ended.done) == (RunState.FINISHED, CASES)
    assert ended.final_digest == quiet.final_digest
    assert len(world.index.asked) == CASES - done[-1]
    assert (await world.jobs.one("default", job.id)).state is JobState.DONE
    async with database.read() as tx:
        query = text("SELECT count(*), count(DISTINCT case_id) FROM case_results WHERE run_id = :run")
        assert tuple((await tx.execute(query, {"run": run.id})).one()) == (CASES, CASES)
