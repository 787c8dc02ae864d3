"""A worker process that does the queued run of a test's world, a tenth of a second a case, as later as it is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sekisho.evaluation.types import Hit
from sekisho.kernel.database import Database
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import load_or_create_signer
from tests.clocks import FixedClock
from tests.evaluation.fakes import build_world


async def main(database_url: str, folder: Path, number: int) -> None:
    database, clock = Database(database_url), FixedClock()
    clock.advance(31_000 * (number + 1))  # the lease of the one before has run out
    world = build_world(database, clock, Ledger(database, clock, load_or_create_signer(folder / "signing.pem")))
    world.agent()
    world.suite()
    at_once = world.index.search

    async def search(query: str, k: int) -> Sequence[Hit]:
        await asyncio.sleep(0.1)
        return await at_once(query, k)

    world.index.search = search  # type: ignore[method-assign]
    job = await world.claim(f"worker-{number}")
    print("works", flush=True)
    await replace(world.evaluation, concurrency=1).execute(job)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
