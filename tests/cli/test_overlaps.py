"""`sekisho overlap`, against the real application and a worker at its side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api_client import ApiClient
from tests.cli.projects import PROJECT, write
from tests.identity.commands import run
from tests.registry.manifests import register_agent

from sekisho.cli import apply, overlaps
from sekisho.worker.loop import Worker

COMMANDS = [*apply.commands, *overlaps.commands]


@pytest.fixture
async def door(api: ApiClient, tmp_path: Path) -> AsyncIterator[ApiClient]:
    """A server with an agent, a dataset from a project's file, and a worker for overlap checks."""
    token = await api.token_for("author")
    await register_agent(api.services.registry, await api.services.identity.authenticate(token))
    applied = await run(api, token, COMMANDS, "apply", str(write(tmp_path, PROJECT)), "--author", "Ada")
    assert applied.exit_code == 0, applied.output
    stop = asyncio.Event()
    jobs = api.services.jobs
    worker = Worker(jobs, {"overlap": api.services.overlaps.execute}, "test", lanes=(("overlap",),), poll_s=0.02)
    working = asyncio.create_task(worker.run(stop))
    yield api
    stop.set()
    await working


async def sekisho(door: ApiClient, *words: str, by: str = "author") -> Any:
    return await run(door, await door.token_for(by), COMMANDS, *words)


async def test_a_check_is_waited_for_and_listed(door: ApiClient) -> None:
    """One line per dataset says what stands where; what is too short to be told is told as such."""
    words = ("overlap", "check", "agent/docs@v1", "--dataset", "dataset/questions@v1")
    done = await sekisho(door, *words)
    assert done.exit_code == 0, done.output
    assert "of 2 cases 0 stand in prompt" in done.stdout
    assert "2 too short to be told" in done.stdout
    listed = json.loads((await sekisho(door, "overlap", "list", "agent/docs@v1", "--json", by="viewer")).stdout)
    assert [one["cases"] for one in listed["items"]] == [2]


async def test_a_dataset_may_be_named_by_its_digest(door: ApiClient) -> None:
    """As the remedy of EVA-10 names it."""
    found = await door.get(
        "/v1/projects/default/resolve/dataset/questions",
        params={"selector": "latest"},
        headers=await door.role("viewer"),
    )
    done = await sekisho(door, "overlap", "check", "agent/docs@v1", "--dataset", found.json()["digest"])
    assert done.exit_code == 0, done.output


async def test_without_a_lock_it_says_what_to_name(door: ApiClient, tmp_path: Path) -> None:
    """Exit code 2, as for every command that reads the lock."""
    done = await sekisho(door, "overlap", "check", "--lock", str(tmp_path / "none.lock"))
    assert done.exit_code == 2
    assert "none.lock" in done.stderr


async def test_nobody_looked(door: ApiClient) -> None:
    """An empty list is said in words."""
    assert "nobody looked" in (await sekisho(door, "overlap", "list", "agent/docs@v1")).stdout
