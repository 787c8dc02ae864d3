"""Break-glass: who may, over what, for how long, and how it shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from sekisho.gate.overrides.types import HOUR_MS, BreakGlass, covered_ms
from sekisho.gate.service import Promoted
from sekisho.gate.types import Outcome
from sekisho.identity.types import Action, Actor, PrincipalKind, Role
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.errors import Conflict, EngineFailed, Forbidden, Invalid, Lapsed, Unwarranted
from sekisho.ledger.statements import verify_attestation
from tests.gate.scene import DENIED, WHY, Scene
from tests.gate.world import World, answer, exactly


async def kinds(world: World, actor: Actor) -> list[str]:
    """The kinds of the ledger's entries about overrides, oldest first."""
    page = await world.ledger.entries(actor, newest_first=False, limit=200)
    return [entry.kind for entry in page.items if entry.kind.startswith("override.")]


async def test_it_takes_a_role_that_no_admin_has_by_being_admin(scene: Scene) -> None:
    """Neither author, operator nor admin may; nor may a service, which cannot even be given the role."""
    for actor in (scene.alice, scene.world.admin):
        with pytest.raises(Forbidden, match="may not override"):
            await scene.broken(by=actor)
    with pytest.raises(Forbidden, match="is a service"):
        await scene.broken(by=replace(scene.grace, kind=PrincipalKind.SERVICE))
    await scene.world.identity.create_principal(scene.world.admin, "robot", PrincipalKind.SERVICE)
    with pytest.raises(Invalid, match="only people break the glass"):
        await scene.world.identity.grant_role(scene.world.admin, "robot", "default", Role.BREAKGLASS)
    assert await scene.world.serves("production") == scene.one.digest


async def test_whoever_made_the_change_does_not_break_the_glass_for_it(scene: Scene) -> None:
    """An override needs a second person, as an approval does: not the author, nor whom he created."""
    await scene.world.identity.grant_role(scene.world.admin, "alice", "default", Role.BREAKGLASS)
    _, secret = await scene.world.identity.issue_token(scene.world.admin, "alice")
    with pytest.raises(Forbidden, match="alice is the author of the change"):
        await scene.broken(by=await scene.world.identity.authenticate(secret))


@pytest.mark.parametrize(("hours", "reason"), [(0, WHY), (25, WHY), (4, " \n")])
async def test_it_takes_a_reason_and_at_most_a_day(scene: Scene, hours: int, reason: str) -> None:
    """What is wrong is named, and nothing moves."""
    with pytest.raises(Invalid) as refused:
        await scene.world.gate.promote(
            scene.grace, exactly(scene.two), "production", break_glass=BreakGlass(reason, hours)
        )
    assert refused.value.fields
    assert await scene.world.serves("production") == scene.one.digest


async def test_a_denial_is_set_aside_and_shows_everywhere(scene: Scene) -> None:
    """The decision keeps the denial with its findings; `resolve`, ledger, alarm and attestation tell of it."""
    until = epoch_ms(scene.world.clock.now()) + 4 * HOUR_MS
    done = await scene.broken()
    assert done.applied
    assert done.decision.outcome is Outcome.OVERRIDE
    assert done.decision.answer is not None
    assert not done.decision.answer["allow"]
    assert done.decision.blocking == ("EVA-03", "OVS-01")
    told = await scene.resolved()
    assert (told["digest"], told["override"]) == (scene.two.digest, {"until": until, "reason": WHY})
    assert await kinds(scene.world, scene.alice) == ["override.begun"]
    assert [(event, facts["by"], facts["until"]) for event, facts in scene.world.heard.events] == [
        ("override.begun", "grace", until)
    ]
    file = await scene.world.gate.attestation(scene.alice, "default", done.decision.id)
    proven = verify_attestation(json.dumps(file).encode(), scene.world.ledger.signer.public.pem)
    assert not proven.allowed
    assert proven.as_json()["override"]["until"] == "2026-11-23T13:00:00.000Z"
    assert proven.as_json()["override"]["returns_to"] == scene.one.digest
    assert WHY not in json.dumps(file)


@pytest.mark.parametrize("rule", ["LIN_01", "LIN_02", "LIN_03", "DOC_02"])
async def test_integrity_revocation_and_prohibited_use_stand(scene: Scene, rule: str) -> None:
    """One such rule among others denies; the attempt is a decision, an entry and an alarm."""
    scene.world.engine.answers = [answer(**{"EVA_03": "failed", rule: "failed"})]
    glass = BreakGlass(WHY, 4)
    done = await scene.world.gate.promote(scene.grace, exactly(scene.two), "production", break_glass=glass)
    assert (done.applied, done.decision.outcome) == (False, Outcome.DENY)
    assert done.beyond == (rule.replace("_", "-"),)
    assert await scene.world.serves("production") == scene.one.digest
    assert await kinds(scene.world, scene.alice) == ["override.refused"]
    assert scene.world.heard.events[0][0] == "override.refused"


async def test_without_a_verdict_there_is_nothing_to_set_aside(scene: Scene) -> None:
    """An engine that is down says nothing of integrity, so the glass does not open."""
    scene.world.engine.answers = [EngineFailed("down")]
    glass = BreakGlass(WHY, 4)
    done = await scene.world.gate.promote(scene.grace, exactly(scene.two), "production", break_glass=glass)
    assert (done.applied, done.decision.outcome) == (False, Outcome.ERROR)


async def test_an_allow_is_an_allow(scene: Scene) -> None:
    """Where policy does not deny, nothing is overridden, nothing ends, and no alarm is raised."""
    glass = BreakGlass(WHY, 4)
    done = await scene.world.gate.promote(scene.grace, exactly(scene.two), "production", break_glass=glass)
    assert (done.applied, done.decision.outcome) == (True, Outcome.ALLOW)
    assert (await scene.resolved())["override"] is None
    assert scene.world.heard.events == []


async def test_a_dry_run_tells_and_keeps_nothing(scene: Scene) -> None:
    """It says what would be set aside; no alarm, no entry, no move."""
    scene.world.engine.answers = [DENIED]
    done = await scene.world.gate.promote(
        scene.grace, exactly(scene.two), "production", dry_run=True, break_glass=BreakGlass(WHY, 4)
    )
    assert (done.applied, done.decision.outcome) == (False, Outcome.OVERRIDE)
    assert await scene.world.serves("production") == scene.one.digest
    assert scene.world.heard.events == []
    assert await kinds(scene.world, scene.alice) == []


async def test_it_moves_one_pointer_alone(scene: Scene) -> None:
    """With its dependencies it could not be taken back as a whole, and is refused."""
    with pytest.raises(Invalid) as refused:
        await scene.world.gate.promote(
            scene.grace, exactly(scene.two), "production", with_dependencies=True, break_glass=BreakGlass(WHY, 4)
        )
    assert [field.path for field in refused.value.fields] == ["$.with_dependencies"]


async def test_one_version_gets_a_day_in_all(scene: Scene) -> None:
    """A second override of the same version counts on from the first; what they share counts once."""
    await scene.broken(hours=10)
    scene.world.clock.advance(4 * HOUR_MS)
    with pytest.raises(Conflict, match="10 of 24 hours"):
        await scene.broken(hours=21)
    done = await scene.broken(hours=20)
    assert (await scene.resolved())["override"]["until"] == done.decision.decided_at + 20 * HOUR_MS
    scene.world.clock.advance(30 * 24 * HOUR_MS)
    with pytest.raises(Conflict, match="24 of 24 hours"):
        await scene.broken(hours=1)


async def test_two_overrides_that_race_do_not_both_stand(scene: Scene) -> None:
    """Each was decided on the first version; one moves the stage, the other is told that it moved."""
    three = await scene.world.agent(scene.alice, text="3 {{ context }}")
    both_asked = asyncio.Barrier(2)

    async def together(_: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.wait_for(both_asked.wait(), 20)
        return DENIED

    scene.world.engine.answers = [together, together, DENIED]
    asked = [
        scene.world.gate.promote(scene.grace, exactly(version), "production", break_glass=BreakGlass(WHY, 24))
        for version in (scene.two, three)
    ]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, Promoted)]
    assert [type(outcome) for outcome in outcomes if outcome is not won] == [Conflict]
    assert await scene.world.serves("production") == won.decision.digest
    assert await kinds(scene.world, scene.alice) == ["override.begun"]


async def test_the_same_key_breaks_the_glass_once(scene: Scene) -> None:
    """A repeated request raises no second alarm; without the glass it is another request."""
    scene.world.engine.answers = [DENIED]
    glass = BreakGlass(WHY, 4)
    for replayed in (False, True):
        done = await scene.world.gate.promote(scene.grace, exactly(scene.two), "production", key="k", break_glass=glass)
        assert done.replayed is replayed
    assert len(scene.world.heard.events) == 1
    assert await kinds(scene.world, scene.alice) == ["override.begun"]


async def test_what_stands_by_override_is_no_measure_and_no_step(scene: Scene) -> None:
    """The next version is compared with what was allowed last, and an overridden stage was not passed."""
    await scene.broken()
    scene.world.engine.answers = [answer()]
    three = await scene.world.agent(scene.alice, text="3 {{ context }}")
    await scene.world.gate.promote(scene.alice, exactly(three), "production", dry_run=True)
    assert scene.world.engine.inputs[-1]["current"]["digest"] == scene.one.digest
    await scene.world.gate.promote(scene.alice, exactly(scene.two), "staging", dry_run=True)
    assert scene.world.engine.inputs[-1]["from_stages"] == []
    assert scene.world.engine.inputs[-1]["formerly_allowed"] is False


async def test_past_its_end_it_is_not_served(scene: Scene) -> None:
    """Neither from memory nor anew, though nobody ended it; the digest itself means what it means."""
    await scene.broken()
    scene.world.clock.advance(4 * HOUR_MS - 1)
    assert (await scene.resolved())["digest"] == scene.two.digest
    scene.world.clock.advance(1)
    with pytest.raises(Lapsed, match="over"):
        await scene.resolved()
    assert (await scene.world.registry.resolve(scene.alice, exactly(scene.two))).body
    await scene.world.registry.check_pointers()


async def test_a_clock_that_is_set_back_makes_it_last_no_longer(scene: Scene) -> None:
    """What is remembered knows the latest moment, and what is read anew knows the log's."""
    await scene.broken()
    await scene.resolved()
    scene.world.clock.advance(4 * HOUR_MS)
    with pytest.raises(Lapsed):
        await scene.resolved()
    await scene.world.agent(scene.alice, text="an entry at that time {{ context }}")
    scene.world.clock.advance(-4 * HOUR_MS)
    with pytest.raises(Lapsed):
        await scene.resolved()
    denied = await scene.broken(version=await scene.world.agent(scene.alice, text="4 {{ context }}"))
    assert denied.decision.outcome is Outcome.ERROR
    assert "the clock of this server is behind" in (denied.decision.error or "")


async def test_an_end_put_off_by_hand_is_not_served(scene: Scene) -> None:
    """When it ends is signed: a row that says otherwise, or gives another reason, is refused."""
    done = await scene.broken()
    until = str(done.decision.override["until"] if done.decision.override else 0)
    for before, after in ((until, str(int(until) + HOUR_MS)), (WHY, "all is well")):
        async with scene.world.database.engine.begin() as connection:
            await connection.exec_driver_sql(
                f"UPDATE decisions SET override = replace(override, '{before}', '{after}')"
            )
        await scene.world.agent(scene.alice, text=f"{after} {{{{ context }}}}")  # so that what is remembered goes
        with pytest.raises(Unwarranted, match="is not what was signed"):
            await scene.resolved()


def test_scopes_leave_it_out() -> None:
    """A token limited to promoting does not break the glass."""
    actor = Actor("grace", PrincipalKind.PERSON, {"default": frozenset(Role)}, frozenset({Action.PROMOTE}), "t", None)
    assert not actor.may("default", Action.OVERRIDE)


def test_what_spans_share_counts_once() -> None:
    """The length of their union, in whatever order they come."""
    assert covered_ms([]) == 0
    assert covered_ms([(5, 9), (0, 3), (2, 6)]) == 9
    assert covered_ms([(0, 10), (2, 3)]) == 10
