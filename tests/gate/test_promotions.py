"""Promotions: what moves a stage's pointer, and what does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from sekisho.gate.types import Outcome
from sekisho.identity.types import Role
from sekisho.kernel.errors import Conflict, EngineFailed, Forbidden, Invalid, NotFound
from sekisho.ledger.statements import verify_attestation
from tests.gate.world import World, answer, exactly


async def test_a_viewer_may_not_ask(world: World) -> None:
    """Promoting takes a role that promotes."""
    author = await world.person("alice", Role.AUTHOR)
    viewer = await world.person("victor", Role.VIEWER)
    version = await world.agent(author)
    with pytest.raises(Forbidden, match="victor may not promote"):
        await world.gate.promote(viewer, exactly(version), "staging")


async def test_an_allowing_decision_moves_the_pointer(world: World) -> None:
    """The pointer names the decision that moved it, and the decision verifies offline."""
    author = await world.person("alice", Role.AUTHOR)
    version = await world.agent(author)
    promoted = await world.gate.promote(author, exactly(version), "staging")
    assert promoted.applied
    assert await world.serves("staging") == version.digest
    file = await world.gate.attestation(author, "default", promoted.decision.id)
    proven = verify_attestation(json.dumps(file).encode(), world.ledger.signer.public.pem)
    assert proven.allowed
    proven.require(subject=f"agent/docs@{version.digest}", stage="staging")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer(LIN_01="failed"), id="a rule failed"),
        pytest.param(answer(LIN_01="passed", EVA_01="missing"), id="evidence is missing"),
        pytest.param(EngineFailed("the engine is down"), id="engine down"),
        pytest.param(None, id="null"),
        pytest.param({}, id="undefined"),
        pytest.param("<undefined>", id="regorus' undefined"),
        pytest.param({"allow": True}, id="an allow without rules"),
        pytest.param({**answer(LIN_01="failed"), "allow": True}, id="an allow that its own findings contradict"),
        pytest.param({**answer(), "required": []}, id="nothing required"),
        pytest.param({**answer(), "allow": 1}, id="an integer for allow"),
    ],
)
async def test_whatever_is_not_an_allow_moves_nothing(world: World, said: Any) -> None:
    """Denials and engines that talk nonsense leave the pointer, and are recorded with their reason."""
    author = await world.person("alice", Role.AUTHOR)
    version = await world.agent(author)
    world.engine.answers = [said]
    promoted = await world.gate.promote(author, exactly(version), "staging")
    assert not promoted.applied
    assert await world.serves("staging") is None
    kept = await world.gate.decision(author, "default", promoted.decision.id)
    assert kept.outcome in {Outcome.DENY, Outcome.ERROR}
    assert (kept.error is not None) is (kept.outcome is Outcome.ERROR)
    page = await world.ledger.entries(author, kind="decision.made")
    assert [entry.body["outcome"] for entry in page.items] == [kept.outcome.value]


async def test_a_dry_run_keeps_nothing(world: World) -> None:
    """It answers as the real thing would, and neither pointer, decision nor ledger know of it."""
    author = await world.person("alice", Role.AUTHOR)
    version = await world.agent(author)
    promoted = await world.gate.promote(author, exactly(version), "staging", dry_run=True)
    assert promoted.decision.outcome is Outcome.ALLOW
    assert not promoted.applied
    assert await world.serves("staging") is None
    with pytest.raises(NotFound):
        await world.gate.decision(author, "default", promoted.decision.id)
    assert not (await world.ledger.entries(author, kind="decision.made")).items


async def test_the_same_key_gives_the_first_answer_again(world: World) -> None:
    """A repeated request is answered from what was kept; another request under the key is refused."""
    author = await world.person("alice", Role.AUTHOR)
    version = await world.agent(author)
    first = await world.gate.promote(author, exactly(version), "staging", key="ci-17")
    world.engine.answers = [answer(LIN_01="failed")]
    again = await world.gate.promote(author, exactly(version), "staging", key="ci-17")
    assert again.replayed
    assert again.decision == first.decision
    with pytest.raises(Conflict, match="used for another request"):
        await world.gate.promote(author, exactly(version), "production", key="ci-17")


async def test_an_unknown_stage_is_named(world: World) -> None:
    """The error lists the stages of policy data."""
    author = await world.person("alice", Role.AUTHOR)
    version = await world.agent(author)
    with pytest.raises(Invalid, match="no stage 'prod'") as caught:
        await world.gate.promote(author, exactly(version), "prod")
    assert "dev, staging, production" in caught.value.fields[0].message


async def test_two_racing_promotions_do_not_both_win(world: World) -> None:
    """Whoever was decided on a pointer that has moved since is refused, and the stage serves the other's version."""
    author = await world.person("alice", Role.AUTHOR)
    one = await world.agent(author, text="one {{ context }}")
    two = await world.agent(author, text="two {{ context }}")
    both_asked = asyncio.Barrier(2)

    async def together(_: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.wait_for(both_asked.wait(), 20)
        return answer()

    world.engine.answers = [together, together, answer()]
    asked = [world.gate.promote(author, exactly(version), "staging") for version in (one, two)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    won = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert len(won) == 1
    assert len(lost) == 1
    assert await world.serves("staging") == won[0].decision.digest


async def test_what_changes_while_the_engine_thinks_is_judged_too(world: World) -> None:
    """A version archived in mid-decision is not promoted on the stale input: the engine is asked again."""
    author = await world.person("alice", Role.AUTHOR)
    operator = await world.person("olga", Role.OPERATOR, Role.AUTHOR)
    version = await world.agent(author)
    asked = []

    async def archive_meanwhile(document: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(document)
        await world.registry.archive(operator, exactly(version))
        return answer()

    async def deny_archived(document: Mapping[str, Any]) -> dict[str, Any]:
        node = document["lineage"]["nodes"][version.digest]
        return answer(LIN_03="failed" if node["archived"] else "passed")

    world.engine.answers = [archive_meanwhile, deny_archived]
    promoted = await world.gate.promote(author, exactly(version), "staging")
    assert len(asked) == 1
    assert promoted.decision.outcome is Outcome.DENY
    assert await world.serves("staging") is None


async def test_rolling_back_takes_an_operator_and_says_so_to_policy(world: World) -> None:
    """The input says that it is a roll-back, and whether the version was once allowed there."""
    author = await world.person("alice", Role.AUTHOR)
    operator = await world.person("olga", Role.OPERATOR)
    one = await world.agent(author, text="one {{ context }}")
    two = await world.agent(author, text="two {{ context }}")
    for version in (one, two):
        await world.gate.promote(author, exactly(version), "staging")
    with pytest.raises(Forbidden):
        await world.gate.roll_back(author, exactly(one), "staging")
    await world.gate.roll_back(operator, exactly(one), "staging")
    assert await world.serves("staging") == one.digest
    asked = world.engine.inputs[-1]
    assert asked["action"] == "rollback"
    assert asked["formerly_allowed"] is True
    assert asked["current"]["digest"] == two.digest


async def test_anothers_decision_is_not_found(world: World) -> None:
    """A decision's id of one project means nothing in another."""
    author = await world.person("alice", Role.AUTHOR)
    version = await world.agent(author)
    promoted = await world.gate.promote(author, exactly(version), "staging")
    await world.identity.create_project(world.admin, "other")
    with pytest.raises(NotFound):
        await world.gate.decision(world.admin, "other", promoted.decision.id)
