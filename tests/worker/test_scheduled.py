"""A real worker verifies what a stage serves, in real time, and `resolve` says what it found."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.clocks import FixedClock
from tests.conftest import service_url
from tests.indexing.tampering import raw_collection, rewrite
from tests.indexing.worlds import ADMIN, World, new_world

from sekisho.kernel.database import Database
from sekisho.kernel.references import parse_reference

INTERVAL_S = 2


@pytest.fixture
def clock() -> FixedClock:
    """An hour ago: the worker's own clock is the real one."""
    return FixedClock(datetime.now(UTC) - timedelta(hours=1))


@pytest.fixture
async def world(database: Database, data_dir: Path, clock: FixedClock) -> AsyncIterator[World]:
    """Its vectors stand on a server, where a running worker sees what somebody changes."""
    world = new_world(database, data_dir, clock, chroma_url=service_url("SEKISHO_TEST_CHROMA_URL"))
    await world.registry.watch.start()
    yield world
    await world.registry.watch.close()
    await world.indexing.close()


@pytest.fixture
async def served(world: World) -> AsyncIterator[str]:
    """An index that production serves, alone of its digest on the server."""
    pages = {"gate.md": f"# Gate\n\nThe gate of {os.getpid()} in {world.database.url} asks the engine."}
    job = await world.build(await world.corpus(pages))
    assert job.result is not None
    digest = str(job.result["digest"])
    async with world.database.write() as tx:
        version = await world.registry.of_digest(tx, "default", digest)
        await world.registry.move_pointer(
            tx, version=version, stage="production", expected=None, decision_id="decision-1", principal="alice"
        )
    yield digest
    world.indexing.vectors.delete(digest.replace(":", "-"))


@pytest.fixture
async def worker(world: World, database_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    settings = {
        "SEKISHO_DATABASE_URL": database_url,
        "SEKISHO_DATA_DIR": str(world.indexing.settings.data_dir),
        "SEKISHO_CHROMA_URL": world.indexing.settings.chroma_url,
        "SEKISHO_VERIFY_INTERVAL_S": str(INTERVAL_S),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sekisho.cli", "worker", env={**mine, **settings}, stderr=asyncio.subprocess.DEVNULL
    )
    yield process
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def looked_at(world: World) -> dict[str, Any]:
    """What `resolve` answers of the index that production serves."""
    resolved = await world.registry.resolve(ADMIN, parse_reference("index/docs@production"))
    answer: dict[str, Any] = msgspec.json.decode(resolved.body)
    return answer


async def checked_at(world: World) -> int:
    [record] = (await world.indexing.builds(ADMIN, "default", None, 2)).items
    return record.checked_at or 0


@pytest.mark.slow
async def test_a_running_worker_sees_drift_within_an_interval(
    world: World, served: str, worker: asyncio.subprocess.Process
) -> None:
    """Sound at first, again and again; what is altered then is told by `resolve` soon, though nobody asked."""
    first = await checked_at(world)
    async with asyncio.timeout(90):
        while await checked_at(world) == first:  # the worker has started
            await asyncio.sleep(0.1)
    assert worker.returncode is None
    assert (await looked_at(world))["integrity"] == "verified"
    collection = raw_collection(world.indexing.vectors, served)
    rewrite(collection, collection.get(limit=1)["ids"][0])
    async with asyncio.timeout(60):  # an interval, and what a busy machine takes
        while (await looked_at(world))["integrity"] != "drifted":
            await asyncio.sleep(0.1)
    assert (await world.kinds())[-1] == "index.drifted"
