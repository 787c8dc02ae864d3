"""A process that claims the one queued build and does it slowly enough to be killed at any step of it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sekisho.kernel.database import Database
from tests.clocks import FixedClock
from tests.indexing.embedders import HashedWords
from tests.indexing.worlds import new_world


class SlowWords(HashedWords):
    """Takes its time over every batch."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        time.sleep(0.4)
        return super().embed(texts)


async def main(database_url: str, data_dir: Path, minutes: int, chroma_url: str) -> None:
    database = Database(database_url)
    clock = FixedClock()
    clock.advance(minutes * 60_000)
    world = new_world(database, data_dir, clock, chroma_url)
    world.indexing.inference._embedders["minilm"] = SlowWords()
    job = await world.claim("build", owner=f"worker-{minutes}")
    print("begins", flush=True)
    await world.indexing.build(job)
    await world.indexing.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
