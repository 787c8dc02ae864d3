"""What becomes of an override at its end: policy judges again, and without an allow the stage goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from sekisho.gate.overrides.types import HOUR_MS
from sekisho.gate.types import Outcome
from sekisho.identity.types import Role
from sekisho.kernel.errors import EngineFailed, Lapsed
from sekisho.ledger.types import Entry
from sekisho.wiring.witnesses import witnesses
from tests.gate.scene import DENIED, PRODUCTION, Scene
from tests.gate.world import World, answer, exactly


async def ended(scene: Scene) -> Entry:
    """The ledger's one entry about the end."""
    (entry,) = (await scene.world.ledger.entries(scene.alice, kind="override.ended")).items
    return entry


async def sound(world: World) -> tuple[str, ...]:
    """What the ledger finds wrong with the tables of registry and gate."""
    tables = witnesses(world.ledger.keys)
    held = [one for one in tables if one.what.startswith(("stage", "decision", "promotion"))]
    async with world.database.read() as tx:
        return (await replace(world.ledger, witnesses=tuple(held)).verify_in(tx)).problems


async def test_nothing_ends_before_its_time(scene: Scene) -> None:
    """A millisecond before, policy is not even asked."""
    await scene.broken()
    scene.world.clock.advance(4 * HOUR_MS - 1)
    before = len(scene.world.engine.inputs)
    assert await scene.world.ending.end_due() == ()
    assert len(scene.world.engine.inputs) == before


async def test_an_allow_keeps_the_stage(scene: Scene) -> None:
    """The version stands by a decision like any other from then on."""
    done = await scene.broken()
    scene.world.clock.advance(4 * HOUR_MS)
    scene.world.engine.answers = [answer()]
    assert await scene.world.ending.end_due() == (done.decision.id,)
    told = await scene.resolved()
    assert (told["digest"], told["override"]) == (scene.two.digest, None)
    judged = await scene.world.gate.decision(scene.alice, "default", told["decision_id"])
    assert (judged.outcome, judged.requester) == (Outcome.ALLOW, "grace")
    assert (await ended(scene)).body["came_to"] == "kept"
    assert [event for event, _ in scene.world.heard.events] == ["override.begun", "override.ended"]
    assert await scene.world.ending.end_due() == ()
    assert await sound(scene.world) == ()


@pytest.mark.parametrize(
    "said", [DENIED, EngineFailed("down"), {}, None], ids=["a denial", "engine down", "undefined", "null"]
)
async def test_whatever_is_no_allow_returns_the_stage(scene: Scene, said: Any) -> None:
    """To the version before and its own decision; the judgement is kept as a decision of its own."""
    before = (await scene.resolved())["decision_id"]
    done = await scene.broken()
    scene.world.clock.advance(4 * HOUR_MS)
    scene.world.engine.answers = [said]
    assert await scene.world.ending.end_due() == (done.decision.id,)
    told = await scene.resolved()
    assert (told["digest"], told["decision_id"], told["override"]) == (scene.one.digest, before, None)
    entry = await ended(scene)
    assert (entry.principal, entry.body["came_to"]) == ("sekisho", "returned")
    judged = await scene.world.gate.decision(scene.alice, "default", entry.body["decision"])
    assert judged.outcome in {Outcome.DENY, Outcome.ERROR}
    assert scene.world.heard.events[-1][1]["came_to"] == "returned"
    await scene.world.registry.check_pointers()
    assert await sound(scene.world) == ()


async def test_where_nothing_stood_before_the_stage_is_emptied(world: World) -> None:
    """It answers that nothing was promoted; a later promotion goes on counting its moves."""
    alice = await world.person("alice", Role.AUTHOR)
    grace = await world.person("grace", Role.BREAKGLASS)
    one, two = [await world.agent(alice, text=f"{n} {{{{ context }}}}") for n in (1, 2)]
    first = Scene(world, alice, grace, one, two)
    await first.broken()
    world.clock.advance(4 * HOUR_MS)
    await world.ending.end_due()
    assert await world.serves("production") is None
    assert (await ended(first)).body["came_to"] == "emptied"
    assert await sound(world) == ()
    world.engine.answers = [answer()]
    assert (await world.gate.promote(alice, exactly(one), "production")).applied
    assert (await first.resolved())["digest"] == one.digest
    _, moves = await world.registry.stages_of(alice, PRODUCTION)
    assert [(move.seq, move.to_digest) for move in moves] == [(3, one.digest), (2, None), (1, two.digest)]
    assert await sound(world) == ()


async def test_what_was_revoked_meanwhile_does_not_come_back(scene: Scene) -> None:
    """The stage is emptied rather than returned to it."""
    await scene.broken()
    await scene.world.registry.revoke(scene.alice, exactly(scene.one), "it leaks")
    scene.world.clock.advance(4 * HOUR_MS)
    await scene.world.ending.end_due()
    assert await scene.world.serves("production") is None


async def test_an_override_over_an_override_returns_to_what_was_allowed(scene: Scene) -> None:
    """The third version replaced the second, which nothing allowed: the first comes back."""
    await scene.broken()
    three = await scene.world.agent(scene.alice, text="3 {{ context }}")
    await scene.broken(version=three)
    scene.world.clock.advance(4 * HOUR_MS)
    await scene.world.ending.end_due()
    assert await scene.world.serves("production") == scene.one.digest


async def test_policy_sees_what_it_replaced_and_who_broke_the_glass(scene: Scene) -> None:
    """Not itself: else it would be compared with nothing. The requester is who overrode, so his approval is none."""
    await scene.broken()
    scene.world.clock.advance(4 * HOUR_MS)
    await scene.world.ending.end_due()
    asked = scene.world.engine.inputs[-1]
    assert asked["current"]["digest"] == scene.one.digest
    assert asked["from_stages"] == []
    assert asked["requester"] == {"principal": "grace", "kind": "person"}


async def test_a_promotion_in_the_middle_of_it_stands(scene: Scene) -> None:
    """While the engine thinks about the second version a third is promoted: that one stays."""
    await scene.broken()
    three = await scene.world.agent(scene.alice, text="3 {{ context }}")
    scene.world.clock.advance(4 * HOUR_MS)

    async def meanwhile(_: Mapping[str, Any]) -> dict[str, Any]:
        scene.world.engine.answers = [answer()]
        await scene.world.gate.promote(scene.alice, exactly(three), "production")
        return DENIED

    scene.world.engine.answers = [meanwhile]
    assert await scene.world.ending.end_due() == ()
    assert await scene.world.serves("production") == three.digest
    assert not (await scene.world.ledger.entries(scene.alice, kind="override.ended")).items


async def test_two_servers_end_it_once(scene: Scene) -> None:
    """Both look at the same time; the ledger has one end, and the stage one move back."""
    await scene.broken()
    scene.world.clock.advance(4 * HOUR_MS)
    both_asked = asyncio.Barrier(2)

    async def together(_: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.wait_for(both_asked.wait(), 20)
        return DENIED

    scene.world.engine.answers = [together, together, DENIED]
    found = await asyncio.gather(*(scene.world.ending.end_due() for _ in range(2)))
    assert sorted(map(len, found)) == [0, 1]
    assert (await ended(scene)).body["came_to"] == "returned"
    assert await scene.world.serves("production") == scene.one.digest


async def test_a_server_that_never_comes_to_rest_goes_back_all_the_same(scene: Scene) -> None:
    """Something enters the ledger at every judgement: in the end the stage returns without one."""
    await scene.broken()
    scene.world.clock.advance(4 * HOUR_MS)
    count = 0

    async def busy(_: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal count
        count += 1
        await scene.world.agent(scene.alice, name=f"other{count}")
        return answer()

    scene.world.engine.answers = [busy]
    await scene.world.ending.end_due()
    assert await scene.world.serves("production") == scene.one.digest
    assert (await ended(scene)).body["error"] == "what the judgement rests on kept changing"


async def test_a_crash_in_the_middle_of_it_changes_nothing(scene: Scene) -> None:
    """Whoever is killed while the engine thinks leaves the override as it was: not served, and ended by the next."""
    done = await scene.broken()
    scene.world.clock.advance(4 * HOUR_MS)

    async def never(_: Mapping[str, Any]) -> dict[str, Any]:
        thinking.set()
        await asyncio.Event().wait()
        return answer()

    thinking = asyncio.Event()
    scene.world.engine.answers = [never]
    killed = asyncio.create_task(scene.world.ending.end_due())
    await asyncio.wait_for(thinking.wait(), 20)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    with pytest.raises(Lapsed):
        await scene.resolved()
    scene.world.engine.answers = [DENIED]
    assert await scene.world.ending.end_due() == (done.decision.id,)
    assert await scene.world.serves("production") == scene.one.digest


async def test_a_roll_back_ends_it_early(scene: Scene) -> None:
    """Nothing is left to end afterwards."""
    await scene.broken()
    scene.world.engine.answers = [answer()]
    assert (await scene.world.gate.roll_back(scene.alice, exactly(scene.one), "production")).applied
    scene.world.clock.advance(4 * HOUR_MS)
    assert await scene.world.ending.end_due() == ()
    assert await scene.world.serves("production") == scene.one.digest


async def test_one_that_was_edited_is_left_to_the_operator(scene: Scene) -> None:
    """Its signature does not bear it out: it is not served, and no other pointer's end hangs on it."""
    done = await scene.broken()
    async with scene.world.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE decisions SET override = replace(override, 'v1 loops', 'fine')")
    scene.world.clock.advance(4 * HOUR_MS)
    assert await scene.world.ending.end_due() == ()
    assert any(done.decision.id in problem for problem in await sound(scene.world))
