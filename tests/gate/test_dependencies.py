"""One decision for an agent and all that it is made from: everything moves, or nothing."""

from __future__ import annotations

import base64
import json

import pytest

from sekisho.gate.types import Outcome
from sekisho.identity.types import Actor, Role
from sekisho.kernel.errors import Conflict, EngineFailed
from sekisho.kernel.references import Kind
from tests.gate.world import World, answer, exactly

PARTS = (Kind.AGENT, Kind.CORPUS, Kind.INDEX, Kind.MODEL, Kind.PROMPT, Kind.SYSTEM)


async def standing(world: World, stage: str = "staging") -> dict[Kind, str]:
    """Which digest each part of ``docs`` has at the stage."""
    found = {}
    async with world.database.read() as tx:
        for kind in PARTS:
            pointer = await world.registry.pointer(tx, "default", kind, "docs", stage)
            if pointer is not None:
                found[kind] = pointer.digest
    return found


async def decisions_behind(world: World, stage: str = "staging") -> set[str]:
    async with world.database.read() as tx:
        pointers = [await world.registry.pointer(tx, "default", kind, "docs", stage) for kind in PARTS]
    return {pointer.decision_id for pointer in pointers if pointer is not None}


@pytest.fixture
async def alice(world: World) -> Actor:
    return await world.person("alice", Role.AUTHOR, Role.OPERATOR)


@pytest.mark.parametrize("verdict", [answer(LIN_01="failed"), answer(EVA_01="missing"), EngineFailed("down"), {}])
async def test_without_an_allow_nothing_moves(world: World, alice: Actor, verdict: object) -> None:
    """Neither the agent nor any part, whatever kept the engine from allowing."""
    version = await world.agent(alice)
    world.engine.answers = [verdict]
    promoted = await world.gate.promote(alice, exactly(version), "staging", with_dependencies=True)
    assert not promoted.applied
    assert await standing(world) == {}


async def test_everything_moves_under_one_decision(world: World, alice: Actor) -> None:
    """Six pointers, one decision, whose signed statement names every part with its digest."""
    version = await world.agent(alice)
    promoted = await world.gate.promote(alice, exactly(version), "staging", with_dependencies=True)
    async with world.database.read() as tx:
        nodes = (await world.registry.closure(tx, "default", version.digest)).nodes
    assert await standing(world) == {node.kind: digest for digest, node in nodes.items()}
    assert await decisions_behind(world) == {promoted.decision.id}
    kept = await world.gate.decision(alice, "default", promoted.decision.id)
    assert kept == promoted.decision
    assert kept.envelope is not None
    signed = json.loads(base64.b64decode(kept.envelope["payload"]))["predicate"]["dependencies"]
    assert {(one["name"], "sha256:" + one["digest"]["sha256"]) for one in signed} == {
        (f"default/{node.label}", digest) for digest, node in nodes.items() if digest != version.digest
    }
    moved = (await world.ledger.entries(alice, kind="stage.moved")).items
    assert {entry.body["decision"] for entry in moved} == {promoted.decision.id}
    assert len(moved) == 6


async def test_alone_only_the_agent_moves(world: World, alice: Actor) -> None:
    """Dependencies move where that is asked for, and a dry run only tells which would."""
    version = await world.agent(alice)
    tried = await world.gate.promote(alice, exactly(version), "staging", with_dependencies=True, dry_run=True)
    assert [one["subject"] for one in tried.decision.dependencies] == [f"{kind}/docs" for kind in PARTS[1:]]
    assert await standing(world) == {}
    await world.gate.promote(alice, exactly(version), "staging")
    assert await standing(world) == {Kind.AGENT: version.digest}


async def test_what_stands_there_already_keeps_its_decision(world: World, alice: Actor) -> None:
    """The second version shares all but its prompt: the prompt and the agent move, the rest stays."""
    first = await world.gate.promote(alice, exactly(await world.agent(alice)), "staging", with_dependencies=True)
    other = await world.agent(alice, text="another {{ context }}")
    second = await world.gate.promote(alice, exactly(other), "staging", with_dependencies=True)
    assert await decisions_behind(world) == {first.decision.id, second.decision.id}
    moved = (await world.ledger.entries(alice, kind="stage.moved")).items
    assert sorted(entry.body["artifact"] for entry in moved if entry.body["decision"] == second.decision.id) == [
        "agent/docs",
        "prompt/docs",
    ]


async def test_a_part_counts_as_allowed_where_it_moved_along(world: World, alice: Actor) -> None:
    """Somebody who rolls the prompt back finds that its former version was once allowed there."""
    first = await world.agent(alice)
    await world.gate.promote(alice, exactly(first), "staging", with_dependencies=True)
    prompt = (await standing(world))[Kind.PROMPT]
    other = await world.agent(alice, text="another {{ context }}")
    await world.gate.promote(alice, exactly(other), "staging", with_dependencies=True)
    async with world.database.read() as tx:
        former = await world.registry.of_digest(tx, "default", prompt)
    rolled = await world.gate.roll_back(alice, exactly(former), "staging")
    assert world.engine.inputs[-1]["formerly_allowed"] is True
    assert rolled.decision.outcome is Outcome.ALLOW


async def test_a_key_stands_for_one_of_the_two_requests(world: World, alice: Actor) -> None:
    """The same with dependencies is another request; repeated as it was, it gives the first answer."""
    subject = exactly(await world.agent(alice))
    first = await world.gate.promote(alice, subject, "staging", with_dependencies=True, key="ci")
    again = await world.gate.promote(alice, subject, "staging", with_dependencies=True, key="ci")
    assert (again.replayed, again.decision.id) == (True, first.decision.id)
    with pytest.raises(Conflict, match="another request"):
        await world.gate.promote(alice, subject, "staging", key="ci")


async def test_a_part_that_is_revoked_meanwhile_holds_everything_back(world: World, alice: Actor) -> None:
    """Revoked while the engine thinks: it is asked again on what is so now, and its denial moves nothing."""
    version = await world.agent(alice)

    async def revoke_meanwhile(document: dict[str, object]) -> dict[str, object]:
        async with world.database.read() as tx:
            nodes = (await world.registry.closure(tx, "default", version.digest)).nodes
        corpus = next(node for node in nodes.values() if node.kind is Kind.CORPUS)
        await world.registry.revoke(alice, exactly(corpus), "its licence was withdrawn")
        return answer()

    world.engine.answers = [revoke_meanwhile, answer(LIN_03="failed")]
    promoted = await world.gate.promote(alice, exactly(version), "staging", with_dependencies=True)
    assert (len(world.engine.inputs), promoted.applied) == (2, False)
    assert await standing(world) == {}
