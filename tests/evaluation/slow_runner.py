"""A process that claims the one queued run and evaluates it slowly enough to be killed in the middle."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from sekisho.evaluation.types import Hit
from sekisho.kernel.database import Database
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import load_or_create_signer
from tests.clocks import FixedClock
from tests.evaluation.fakes import World, build_world, rows

CASES = 90


def killed_world(database: Database, clock: FixedClock, data_dir: Path) -> World:
    """The same agent, dataset and suite in every process, so that they have the same digests."""
    world = build_world(database, clock, Ledger(database, clock, load_or_create_signer(data_dir / "signing.pem")))
    world.catalogue.add_dataset(rows(CASES // 2))
    world.agent()
    world.suite()
    return world


async def main(database_url: str, data_dir: Path, minutes: int) -> None:
    database = Database(database_url)
    clock = FixedClock()
    clock.advance(minutes * 60_000)
    world = killed_world(database, clock, data_dir)
    search = world.index.search

    async def slowly(query: str, k: int) -> Sequence[Hit]:
        if not world.index.asked:
            print("searches", flush=True)
        found = await search(query, k)
        await asyncio.sleep(0.06)
        return found

    world.index.search = slowly  # type: ignore[method-assign]
    await world.evaluation.execute(await world.claim(f"worker-{minutes}"))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
