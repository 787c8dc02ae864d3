"""Scheduled verification: what a stage serves is looked at in time, and `resolve` says what was found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from sekisho.identity.types import SYSTEM
from sekisho.kernel.errors import Unavailable
from sekisho.kernel.references import Kind, parse_reference
from sekisho.worker.schedule import Schedule
from tests.indexing.tampering import raw_collection, rewrite
from tests.indexing.worlds import ADMIN, World
from tests.notifications import heard
from tests.registry.manifests import agent, register, register_agent

HOUR = 3_600_000


@pytest.fixture
async def watched(world: World) -> AsyncIterator[World]:
    """A world that remembers what it resolved until something changes, as an API process does."""
    await world.registry.watch.start()
    yield world
    await world.registry.watch.close()


async def built(world: World) -> str:
    job = await world.build(await world.corpus())
    assert job.result is not None
    return str(job.result["digest"])


async def serve(world: World, kind: Kind, digest: str, stage: str = "production") -> None:
    async with world.database.write() as tx:
        version = await world.registry.of_digest(tx, "default", digest)
        assert version.kind is kind
        await world.registry.move_pointer(
            tx, version=version, stage=stage, expected=None, decision_id="decision-1", principal="alice"
        )


async def serve_agent(world: World, index: str) -> None:
    """Have production serve an agent that pins the index."""
    others = await register_agent(world.registry, ADMIN)
    pins = {kind: others[kind] for kind in ("system", "prompt", "model")}
    made = await register(world.registry, ADMIN, "agent/docs", agent({**pins, "index": index}))
    await serve(world, Kind.AGENT, made.version.digest)


async def said(world: World, reference: str) -> tuple[Any, str]:
    resolved = await world.registry.resolve(ADMIN, parse_reference(reference))
    return msgspec.json.decode(resolved.body)["integrity"], resolved.etag


async def test_nothing_is_due_that_nobody_serves(world: World) -> None:
    """However old its last verification is; and nothing at all where the interval is 0."""
    digest = await built(world)
    world.clock.advance(100 * HOUR)
    assert await world.indexing.request_due() == ()
    await serve(world, Kind.INDEX, digest)
    never = msgspec.structs.replace(world.indexing.settings, verify_interval_s=0)
    object.__setattr__(world.indexing, "settings", never)
    assert await world.indexing.request_due() == ()


async def test_drift_of_a_served_index_is_seen_within_an_interval(watched: World) -> None:
    """Nobody asks: the worker looks, marks, tells the ledger once, and `resolve` answers otherwise, index and agent."""
    world = watched
    digest = await built(world)
    await serve_agent(world, digest)
    assert (await said(world, f"index/docs@{digest}"))[0] == "verified"
    before, etag = await said(world, "agent/docs@production")
    assert before == "verified"
    collection = raw_collection(world.indexing.vectors, digest)
    rewrite(collection, collection.get(limit=1)["ids"][0])
    world.clock.advance(HOUR * 9 // 10)
    assert await world.indexing.request_due() == (digest,)
    job = await world.work("verify")
    assert job.principal == SYSTEM
    await heard(world.database, world.registry.watch)
    assert (await said(world, f"index/docs@{digest}"))[0] == "drifted"
    after, other = await said(world, "agent/docs@production")
    assert after == "drifted"
    assert other != etag
    assert (await world.kinds())[-1] == "index.drifted"


async def test_what_was_asked_for_is_not_asked_for_again(world: World) -> None:
    """Not while it waits, nor while its result is young; and again once it is old. An unchanged mark is no news."""
    digest = await built(world)
    await serve(world, Kind.INDEX, digest)
    world.clock.advance(HOUR)
    known = await world.kinds()
    asked = await asyncio.gather(world.indexing.request_due(), world.indexing.request_due())
    assert sorted(asked) == [(), (digest,)]
    await world.work("verify")
    assert await world.kinds() == known
    world.clock.advance(HOUR // 2)
    assert await world.indexing.request_due() == ()
    world.clock.advance(HOUR // 2)
    assert await world.indexing.request_due() == (digest,)


async def test_a_project_that_shares_the_index_reads_of_the_change(world: World) -> None:
    """The mark is every project's, so each project's ledger says what became of it."""
    digest = await built(world)
    await world.build(await world.corpus(project="other"), project="other")
    collection = raw_collection(world.indexing.vectors, digest)
    rewrite(collection, collection.get(limit=1)["ids"][0])
    await world.verify(digest)
    page = await world.indexing.ledger.entries(ADMIN, limit=2)
    assert [(entry.kind, entry.project) for entry in page.items] == [
        ("index.drifted", "other"),
        ("index.drifted", "default"),
    ]


async def test_the_schedule_outlives_a_database_that_is_away() -> None:
    """A tick that cannot ask is followed by one that can; `stop` ends it at once."""
    stop, asked = asyncio.Event(), []

    async def request_due() -> tuple[str, ...]:
        asked.append(1)
        if len(asked) == 1:
            raise Unavailable("the database is away")
        stop.set()
        return ("sha256:" + "0" * 64,)

    await asyncio.wait_for(Schedule("verifications", request_due, 0.01).run(stop), 30)
    assert len(asked) == 2
