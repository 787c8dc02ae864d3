"""A build whose process is killed, for real, at moments that nobody chose."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest

from sekisho.kernel.database import Database
from tests.clocks import FixedClock
from tests.indexing.worlds import ADMIN, DOCUMENTS, new_world

ROOT = Path(__file__).parents[2]
KILLS = 3


@pytest.mark.slow
async def test_a_killed_build_leaves_nothing_and_is_done_again(
    database: Database, database_url: str, data_dir: Path, clock: FixedClock
) -> None:
    """After each SIGKILL no index is registered; the last attempt gives an undisturbed build's digest, verified."""
    documents = {f"{n}-{path}": text.replace("gate", f"gate{n}") for n in range(60) for path, text in DOCUMENTS.items()}
    world = new_world(database, data_dir / "undisturbed", clock)
    corpus = await world.corpus(documents, name="calm")
    calm = await world.build(corpus)
    assert calm.result is not None
    await world.indexing.close()

    other = await world.corpus(documents, name="killed", project="other")
    assert other == corpus
    await world.request(corpus, project="other")
    for attempt in range(KILLS):
        builder = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.indexing.slow_builder", database_url, str(data_dir), str(attempt + 1),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert builder.stdout is not None
        assert (await builder.stdout.readline()).strip() == b"embeds"
        await asyncio.sleep(random.uniform(0, 1.2))
        builder.kill()
        await builder.wait()
        assert (await world.indexing.builds(ADMIN, "other", None, 10)).items == ()

    clock.advance((KILLS + 1) * 60_000)
    last = new_world(database, data_dir, clock)
    done = await last.work("build", project="other", owner="worker-last")
    assert done.result is not None
    assert done.result["digest"] == calm.result["digest"]
    await last.indexing.request_verify(ADMIN, "other", done.result["digest"])
    verified = await last.work("verify", project="other")
    assert verified.result is not None
    assert verified.result["integrity"] == "verified"
    assert last.indexing.vectors.names() == [done.result["digest"].replace(":", "-")]
    await last.indexing.close()
