"""How often a promotion asks the database: not once per node, registration, author or approval."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from sekisho.identity.types import Actor, Role
from sekisho.kernel.database import Database
from sekisho.kernel.references import Kind, Number, Reference
from sekisho.registry.types import Provenance, Version
from tests.gate.world import World, exactly

MOST = 43
"""Statements of one promotion with bytes, approvals, waivers and scans looked for; decision, ledger and move."""


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Every statement that reaches the driver meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def promoted(world: World, asker: Actor, version: Version) -> int:
    """How many statements it took to promote the version to staging."""
    with counted(world.database) as seen:
        assert (await world.gate.promote(asker, exactly(version), "staging")).applied
    return len(seen)


async def crowded(world: World, alice: Actor, version: Version) -> None:
    """Let many people register each part of the version anew, for other authors, and three approve the whole."""
    async with world.database.read() as tx:
        parts = (await world.registry.closure(tx, "default", version.digest)).nodes.values()
    for number in range(4):
        other = await world.person(f"author{number}", Role.AUTHOR, email=f"author{number}@example.org")
        for part in parts:
            said = Provenance(author=f"Author <author{number}@example.org>")
            await world.registry.register(other, "default", part.kind, part.name, part.manifest, said)
    for number in range(3):
        approver = await world.person(f"approver{number}", Role.APPROVER, Role.VIEWER)
        seen = await world.approvals.evidence(alice, exactly(version), "staging")
        await world.approvals.approve(approver, exactly(version), "staging", seen.hash)


async def test_a_promotion_asks_no_more_for_a_crowd(world: World) -> None:
    """Thirty registrations, five authors and three approvals cost a handful of statements more than none of them."""
    alice = await world.person("alice", Role.AUTHOR)
    plain = await promoted(world, alice, await world.agent(alice, name="plain", text="{{ context }}!"))
    version = await world.agent(alice, name="crowded")
    await crowded(world, alice, version)
    with_crowd = await promoted(world, alice, version)
    assert with_crowd <= MOST, with_crowd
    # The approvals' entries with the three that prove them, givers, their tokens, whom both come from, and the roles
    # with their entries.
    assert with_crowd - plain <= 9


async def test_a_promotion_asks_once_for_each_step_of_lineage_and_not_for_each_node(world: World) -> None:
    """An agent of six parts costs no more than the two further steps that its graph is long, and a look for bytes."""
    alice = await world.person("alice", Role.AUTHOR)
    agent = await world.agent(alice)
    async with world.database.read() as tx:
        prompt = await world.registry.find(tx, Reference("default", Kind.PROMPT, "docs", Number(1)))
        assert len((await world.registry.closure(tx, "default", agent.digest)).nodes) == 6
    alone = await promoted(world, alice, prompt)
    assert await promoted(world, alice, agent) - alone <= 3
