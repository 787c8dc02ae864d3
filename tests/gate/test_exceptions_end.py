"""When a waiver or an attested document runs out, policy judges again what it let pass, and the stage may go back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from sekisho.evidence.attesting import Attesting
from sekisho.gate.overrides.lapsing import LAPSED, Lapses
from sekisho.gate.service import Promoted
from sekisho.gate.types import Outcome
from sekisho.identity.types import Actor, Role
from sekisho.kernel.errors import EngineFailed, Unwarranted
from sekisho.kernel.references import parse_reference
from sekisho.ledger.types import Entry
from sekisho.registry.types import Version
from sekisho.wiring.witnesses import witnesses
from tests.gate.inputs import fixed_policies
from tests.gate.scene import PRODUCTION
from tests.gate.world import World, answer, exactly

DAY_MS = 86_400_000


def passing(**statuses: str) -> dict[str, Any]:
    """An allow in which the rules that did not pass are waived."""
    said = answer(LIN_01="passed", **statuses)
    said |= {"allow": True, "waived": said["blocking"], "blocking": []}
    for rule in said["waived"]:
        said["rules"][rule]["waived"] = True
    return said


UNMENDED = answer(LIN_01="passed", DOC_01="missing")
GROWN_OLD = answer(LIN_01="passed", DOC_01="passed", EVA_02="failed")
ASSESSED = answer(LIN_01="passed", DOC_03="passed")
UNASSESSED = answer(LIN_01="passed", DOC_03="failed")


class Stand:
    """Production serves the second version by a waiver of Bob's for seven days; it served the first before."""

    def __init__(self, world: World, alice: Actor, bob: Actor, one: Version, two: Version) -> None:
        self.world, self.alice, self.bob, self.one, self.two = world, alice, bob, one, two

    async def waive(self, version: Version, days: int = 7, rule: str = "DOC-01") -> None:
        why = "the card is with the lawyers"
        await self.world.waivers.waive(self.bob, exactly(version), "production", rule, reason=why, days=days)

    async def promote(self, version: Version, said: Any, **more: Any) -> Promoted:
        self.world.engine.answers = [said]
        done = await self.world.gate.promote(self.alice, exactly(version), "production", **more)
        assert done.applied
        return done

    async def over(self, said: Any, days: int = 7) -> tuple[str, ...]:
        """So many days later, with policy saying this."""
        self.world.clock.advance(days * DAY_MS)
        self.world.engine.answers = [said]
        return await self.world.ending.end_due()

    async def resolved(self) -> dict[str, Any]:
        told: dict[str, Any] = msgspec.json.decode((await self.world.registry.resolve(self.alice, PRODUCTION)).body)
        return told

    async def entries(self) -> list[Entry]:
        return list((await self.world.ledger.entries(self.alice, kind=LAPSED)).items)

    async def sound(self) -> tuple[str, ...]:
        """What the ledger finds wrong with the tables of registry and gate."""
        tables = witnesses(self.world.ledger.keys)
        held = [one for one in tables if one.what.startswith(("stage", "decision", "promotion", "waiver"))]
        async with self.world.database.read() as tx:
            return (await replace(self.world.ledger, witnesses=tuple(held)).verify_in(tx)).problems


@pytest.fixture
async def stand(world: World) -> Stand:
    alice = await world.person("alice", Role.AUTHOR, Role.OPERATOR)
    bob = await world.person("bob", Role.APPROVER)
    one, two = [await world.agent(alice, text=f"{n} {{{{ context }}}}") for n in (1, 2)]
    stand = Stand(world, alice, bob, one, two)
    await stand.promote(one, answer())
    await stand.waive(two)
    await stand.promote(two, passing(DOC_01="missing"))
    return stand


async def test_nothing_is_judged_before_its_time(stand: Stand) -> None:
    """Not a millisecond before; three days before, readiness tells of it."""
    lapses = stand.world.ending.lapses
    await lapses.check()
    stand.world.clock.advance(4 * DAY_MS)
    with pytest.raises(Unwarranted, match="0 whose exception has ended, 1 whose exception ends within three days"):
        await lapses.check()
    before = len(stand.world.engine.inputs)
    stand.world.clock.advance(3 * DAY_MS - 1)
    assert await stand.world.ending.end_due() == ()
    assert len(stand.world.engine.inputs) == before


async def test_what_was_mended_stays_by_a_decision_of_its_own(stand: Stand) -> None:
    """Policy is asked without the waiver, in the name of who asked then; nobody is alarmed."""
    first = await stand.resolved()
    assert await stand.over(answer()) == (first["decision_id"],)
    asked = stand.world.engine.inputs[-1]
    assert (asked["waivers"], asked["requester"]) == ([], {"principal": "alice", "kind": "person"})
    told = await stand.resolved()
    assert (told["digest"], told["waived"]) == (stand.two.digest, [])
    judged = await stand.world.gate.decision(stand.alice, "default", told["decision_id"])
    assert (judged.outcome, judged.waivers) == (Outcome.ALLOW, ())
    (entry,) = await stand.entries()
    assert (entry.body["came_to"], entry.body["rested"]) == ("kept", first["decision_id"])
    assert stand.world.heard.events == []
    assert await stand.world.ending.end_due() == ()
    await stand.world.ending.lapses.check()
    assert await stand.sound() == ()


@pytest.mark.parametrize("said", [UNMENDED, EngineFailed("down"), {}], ids=["a denial", "engine down", "undefined"])
async def test_what_was_not_mended_goes_back(stand: Stand, said: Any) -> None:
    """To the version before and its own decision; the judgement is kept, and it is told aloud."""
    assert len(await stand.over(said)) == 1
    told = await stand.resolved()
    assert (told["digest"], told["waived"]) == (stand.one.digest, [])
    (entry,) = await stand.entries()
    assert (entry.principal, entry.subject) == ("sekisho", stand.two.digest)
    assert entry.body["came_to"] == "returned"
    judged = await stand.world.gate.decision(stand.alice, "default", entry.body["decision"])
    assert judged.outcome in {Outcome.DENY, Outcome.ERROR}
    ((event, facts),) = stand.world.heard.events
    assert (event, facts["came_to"], facts["ended"]) == (LAPSED, "returned", ["DOC-01"])
    assert await stand.world.ending.end_due() == ()
    await stand.world.registry.check_pointers()
    assert await stand.sound() == ()


async def test_where_nothing_stood_before_the_stage_is_emptied(stand: Stand) -> None:
    """Nor does a version come back that was revoked meanwhile."""
    await stand.world.registry.revoke(stand.alice, exactly(stand.one), "it leaks")
    await stand.over(UNMENDED)
    assert await stand.world.serves("production") is None
    assert (await stand.entries())[0].body["came_to"] == "emptied"
    assert await stand.sound() == ()


async def test_what_rests_on_an_exception_that_ended_too_does_not_come_back(stand: Stand) -> None:
    """The third version replaced the second, and both waivers are over: the first comes back."""
    three = await stand.world.agent(stand.alice, text="3 {{ context }}")
    await stand.waive(three)
    await stand.promote(three, passing(DOC_01="missing"))
    await stand.over(UNMENDED)
    assert await stand.world.serves("production") == stand.one.digest


async def test_a_denial_for_other_reasons_is_told_and_takes_nothing_away(stand: Stand) -> None:
    """What was excepted is mended, and the evidence has grown old as any served version's does: judged once."""
    assert len(await stand.over(GROWN_OLD)) == 1
    assert await stand.world.serves("production") == stand.two.digest
    (entry,) = await stand.entries()
    assert entry.body["came_to"] == "stands"
    ((event, facts),) = stand.world.heard.events
    assert (event, facts["blocking"]) == (LAPSED, ["EVA-02"])
    assert (await stand.resolved())["waived"][0]["lapsed"] is True
    with pytest.raises(Unwarranted, match="1 whose exception has ended"):
        await stand.world.ending.lapses.check()
    assert await stand.world.ending.end_due() == ()
    assert await stand.sound() == ()


async def test_an_exception_that_was_granted_anew_carries_on(stand: Stand) -> None:
    """The next end is that of the new one."""
    await stand.waive(stand.two, days=10)
    await stand.over(passing(DOC_01="missing"))
    told = await stand.resolved()
    assert (told["digest"], told["waived"][0]["lapsed"]) == (stand.two.digest, False)
    assert await stand.over(UNMENDED, days=2) == ()
    assert await stand.over(UNMENDED, days=1) == (told["decision_id"],)


async def test_a_promotion_meanwhile_stands(stand: Stand) -> None:
    """Nothing is left to end once the stage serves something else."""
    await stand.promote(stand.one, answer())
    assert await stand.over(UNMENDED) == ()
    assert await stand.world.serves("production") == stand.one.digest


async def test_what_came_along_goes_back_with_it(stand: Stand) -> None:
    """An agent that was moved with its parts leaves none of them behind."""
    three = await stand.world.agent(stand.alice, text="3 {{ context }}")
    await stand.waive(three)
    await stand.promote(three, passing(DOC_01="missing"), with_dependencies=True)
    await stand.over(UNMENDED)
    assert await stand.world.serves("production") == stand.one.digest
    left = await stand.world.registry.stages_of(stand.alice, parse_reference("prompt/docs@latest"))
    assert left[0] == ()
    assert await stand.sound() == ()


async def test_a_clock_set_back_makes_no_exception_last_longer(stand: Stand) -> None:
    """The log's last entries count as a clock; without a verdict the stage goes back."""
    stand.world.clock.advance(7 * DAY_MS)
    await stand.world.agent(stand.alice, name="other")
    stand.world.clock.advance(-5 * DAY_MS)
    stand.world.engine.answers = [answer()]
    assert len(await stand.world.ending.end_due()) == 1
    assert await stand.world.serves("production") == stand.one.digest


async def test_an_end_put_off_by_hand_is_put_off_for_nobody(stand: Stand) -> None:
    """Neither the waiver's row nor the decision's columns say when it ends: what was signed does."""
    async with stand.world.database.engine.begin() as connection:
        await connection.execute(text("UPDATE waivers SET expires_at = expires_at + 864000000"))
        await connection.execute(text("UPDATE decisions SET waivers = NULL"))
    assert len(await stand.over(UNMENDED)) == 1
    assert await stand.world.serves("production") == stand.one.digest


async def test_an_input_edited_by_hand_hides_no_end(stand: Stand) -> None:
    """It is not the one that was signed: the pointer is left to the operator, and the audit names the decision."""
    async with stand.world.database.engine.begin() as connection:
        await connection.execute(text("UPDATE decisions SET input = replace(input, 'production', 'producti0n')"))
    async with stand.world.database.read() as tx:
        assert await Lapses(stand.world.database, stand.world.ledger, stand.world.registry).due(tx) == ()
    assert any("decision" in problem for problem in await stand.sound())


async def test_an_attested_document_that_runs_out_is_judged_alike(stand: Stand) -> None:
    """A risk assessment for five days let the version pass DOC-03: without it the stage goes back; a rule that did not
    need it says nothing."""
    world = stand.world
    terms = fixed_policies().parameters.attested
    attesting = Attesting(world.database, world.clock, world.ledger, world.registry, terms)
    await attesting.attest(stand.bob, parse_reference("system/docs@latest"), "risk-assessment", "Looked at it.", 5)
    three = await world.agent(stand.alice, text="3 {{ context }}")
    done = await stand.promote(three, ASSESSED)
    assert await stand.over(UNASSESSED, days=4) == ()
    assert await stand.over(UNASSESSED, days=1) == (done.decision.id,)
    assert world.engine.inputs[-1]["evidence"]["attested"][0]["expires_at"] <= world.engine.inputs[-1]["now"]
    assert await world.serves("production") == stand.two.digest
    assert world.heard.events[-1][1]["ended"] == ["DOC-03"]
