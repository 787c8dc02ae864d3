"""A worker process whose work is slow: it writes one line per unit to a file, and goes on where the file ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from sekisho.kernel.clock import SystemClock
from sekisho.kernel.database import Database
from sekisho.kernel.jobs import Job, Jobs, JobState, Progress
from sekisho.worker.loop import Worker
from sekisho.worker.ownership import sole_owner

UNITS = 10


async def main(database_url: str, folder: Path, owner: str) -> None:
    database = Database(database_url)
    jobs = Jobs(database, SystemClock(), lease_ms=1000)
    rows = folder / "rows"

    async def slow(job: Job) -> None:
        done = len(rows.read_text().splitlines()) if rows.exists() else 0
        for unit in range(done, UNITS):
            with rows.open("a") as file:
                file.write(f"{unit} {owner}\n")
            await jobs.beat(job, Progress(unit + 1, UNITS, "units"))
            await asyncio.sleep(0.15)
        async with database.write() as tx:
            await jobs.finish(tx, job, JobState.DONE)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with sole_owner(folder):
        print("works", flush=True)
        await Worker(jobs, {"run": slow}, owner, lanes=[("run",)], poll_s=0.05).run(stop)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
