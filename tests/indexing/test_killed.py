"""Builds whose process is killed, for real, at ten moments that nobody chose."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from sekisho.kernel.database import Database
from tests.clocks import FixedClock
from tests.conftest import service_url
from tests.indexing.worlds import ADMIN, DOCUMENTS, World, new_world

ROOT = Path(__file__).parents[2]
KILLS = {"embedded": 10, "server": 3}
KILLS_OF_EACH = 4
"""A job that was claimed five times without an end is failed, so the kills are spread over several builds."""
LONGEST_S = 3.0
"""About what the slow build takes after it has begun to cut: its later steps are met too, and some builds win."""


@pytest.fixture(params=["embedded", "server"])
def chroma_url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "embedded" else service_url("SEKISHO_TEST_CHROMA_URL")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_killed_build_leaves_nothing_and_is_done_again(
    database: Database, database_url: str, data_dir: Path, clock: FixedClock, chroma_url: str
) -> None:
    """After each SIGKILL no index is registered; the last attempt gives an undisturbed build's digest, verified."""
    mine = uuid4().hex[:8]  # a server holds other tests' collections
    pages = [(f"{n}-{path}", n, text) for n in range(60) for path, text in DOCUMENTS.items()]
    documents = {path: f"{mine} {text.replace('gate', f'gate{n}')}" for path, n, text in pages}
    world = new_world(database, data_dir / "undisturbed", clock)
    corpus = await world.corpus(documents, name="calm")
    calm = await world.build(corpus)
    assert calm.result is not None
    await world.indexing.close()
    killed = number = 0
    while killed < KILLS["server" if chroma_url else "embedded"]:
        number += 1
        project, folder = f"other-{number}", data_dir / str(number)
        assert await world.corpus(documents, name="killed", project=project) == corpus
        await world.request(corpus, project=project)
        for _ in range(KILLS_OF_EACH):
            clock.advance(60_000)
            await _begun_and_killed(database_url, folder, clock, chroma_url)
            if (await world.indexing.builds(ADMIN, project, None, 10)).items:
                break
            killed += 1
        clock.advance(60_000)
        last = new_world(database, folder, clock, chroma_url)
        await _is_done_and_verified(last, project, str(calm.result["digest"]))


async def _begun_and_killed(database_url: str, folder: Path, clock: FixedClock, chroma_url: str) -> None:
    minutes = (clock.now() - FixedClock().now()) // timedelta(minutes=1)
    builder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.indexing.slow_builder", database_url, str(folder), str(minutes), chroma_url,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert builder.stdout is not None
    assert (await builder.stdout.readline()).strip() == b"begins"
    await asyncio.sleep(random.uniform(0, LONGEST_S))
    with suppress(ProcessLookupError):  # it was faster
        builder.kill()
    await builder.wait()


async def _is_done_and_verified(last: World, project: str, digest: str) -> None:
    if job := await last.jobs.claim(["build"], "worker-last"):
        await last.indexing.build(job)
    [record] = (await last.indexing.builds(ADMIN, project, None, 10)).items
    assert record.digest == digest
    await last.indexing.request_verify(ADMIN, project, digest)
    verified = await last.work("verify", project=project)
    assert verified.result is not None
    assert verified.result["integrity"] == "verified"
    name = digest.replace(":", "-")
    held = last.indexing.vectors.names()
    assert name in held
    if not last.indexing.settings.chroma_url:
        assert held == [name]
    last.indexing.vectors.delete(name)
    await last.indexing.close()
