"""Exceptions for one rule: who may grant them, for what, and when they end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from sekisho.gate.explaining.shape import decision_json
from sekisho.gate.explaining.text import explain_text
from sekisho.gate.records import Waiver
from sekisho.identity.types import Actor, PrincipalKind, Role
from sekisho.kernel.errors import Archived, Forbidden, Invalid, NotFound
from sekisho.kernel.references import Kind, Reference, Stage
from sekisho.ledger.statements import verify_attestation
from sekisho.registry.types import Version
from tests.gate.world import World, answer, exactly

DAY_MS = 86_400_000
WHY = "the card is with the lawyers until Friday"


async def waive(world: World, actor: Actor, version: Version, **changes: Any) -> Waiver:
    wanted = {"stage": "production", "rule": "DOC-01", "reason": WHY, "days": 7, **changes}
    return await world.waivers.waive(actor, exactly(version), wanted.pop("stage"), wanted.pop("rule"), **wanted)


async def seen_by_policy(world: World, requester: Actor, version: Version) -> list[dict[str, Any]]:
    """The waivers as the next decision's input shows them."""
    await world.gate.promote(requester, exactly(version), "production", dry_run=True)
    return list(world.engine.inputs[-1]["waivers"])


async def test_whoever_had_a_hand_in_the_change_may_not_waive(world: World) -> None:
    """Not the author, not the human behind the commit, no service, and nobody without the approver's role."""
    author = await world.person("alice", Role.AUTHOR, Role.APPROVER)
    ada = await world.person("ada", Role.APPROVER, email="ada@example.org")
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    with pytest.raises(Forbidden, match="alice is the author of the change"):
        await waive(world, author, version)
    with pytest.raises(Forbidden, match="ada is the commit author of the change"):
        await waive(world, ada, version)
    with pytest.raises(Forbidden, match="bob is a service"):
        await waive(world, replace(bob, kind=PrincipalKind.SERVICE), version)
    with pytest.raises(Forbidden, match="may not approve"):
        await waive(world, await world.person("olga", Role.OPERATOR), version)
    assert await seen_by_policy(world, author, version) == []


async def test_a_person_whom_the_author_created_may_not_waive(world: World) -> None:
    """An admin's second account is no second person here either."""
    mallory = await world.person("mallory", Role.AUTHOR)
    await world.identity.grant_role(world.admin, "mallory", "*", Role.ADMIN)
    _, secret = await world.identity.issue_token(world.admin, "mallory")
    mallory = await world.identity.authenticate(secret)
    second = await world.person("malory2", Role.APPROVER, by=mallory)
    version = await world.agent(mallory)
    with pytest.raises(Forbidden, match="malory2 was created by mallory"):
        await waive(world, second, version)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"rule": "OVS-01"}, "$.rule"),
        ({"rule": "nonsense"}, "$.rule"),
        ({"stage": "nowhere"}, "$.stage"),
        ({"days": 0}, "$.days"),
        ({"days": 31}, "$.days"),
        ({"reason": "  "}, "$.reason"),
    ],
)
async def test_only_what_policy_names_may_be_waived_and_not_for_long(
    world: World, changes: dict[str, Any], place: str
) -> None:
    """Two people, the order of stages and integrity cannot be waived; nothing can for more than 30 days."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    with pytest.raises(Invalid) as refused:
        await waive(world, bob, version, **changes)
    assert [field.path for field in refused.value.fields] == [place]


async def test_policy_sees_a_waiver_until_it_expires(world: World) -> None:
    """With rule, digest, stage and giver; the ledger has it, but not the words of its reason."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    granted = await waive(world, bob, version)
    (seen,) = await seen_by_policy(world, author, version)
    assert seen == {
        "id": granted.id, "rule": "DOC-01", "digest": version.digest, "stage": "production", "principal": "bob",
        "expires_at": granted.created_at + 7 * DAY_MS, "independent": True, "has_role": True,
    }  # fmt: skip
    (entry,) = (await world.ledger.entries(author, kind="waiver.granted")).items
    assert (entry.subject, entry.body["rule"]) == (version.digest, "DOC-01")
    assert WHY not in str(entry.body)
    world.clock.advance(7 * DAY_MS)
    assert await seen_by_policy(world, author, version) == []


async def test_a_waiver_is_for_this_version_and_this_stage(world: World) -> None:
    """Neither another version nor another stage is excepted."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    one = await world.agent(author, text="one {{ context }}")
    two = await world.agent(author, text="two {{ context }}")
    await waive(world, bob, one)
    assert await seen_by_policy(world, author, two) == []
    await world.gate.promote(author, exactly(one), "staging", dry_run=True)
    assert world.engine.inputs[-1]["waivers"] == []


async def test_whoever_asks_for_the_promotion_did_not_waive_for_it(world: World) -> None:
    """Policy is told that the giver is the requester, and that he lost the role."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER, Role.OPERATOR)
    version = await world.agent(author)
    await waive(world, bob, version)
    (seen,) = await seen_by_policy(world, bob, version)
    assert seen["independent"] is False
    await world.identity.revoke_role(world.admin, "bob", "default", Role.APPROVER)
    (seen,) = await seen_by_policy(world, author, version)
    assert (seen["independent"], seen["has_role"]) == (True, False)


async def test_a_withdrawn_waiver_counts_no_more(world: World) -> None:
    """An author may not end it, an operator may; once in the ledger, and it stays in the list."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    olga = await world.person("olga", Role.OPERATOR)
    version = await world.agent(author)
    granted = await waive(world, bob, version)
    with pytest.raises(Forbidden):
        await world.waivers.withdraw(author, "default", granted.id)
    for _ in range(2):
        done = await world.waivers.withdraw(olga, "default", granted.id)
    assert (done.withdrawn_by, done.state(granted.created_at)) == ("olga", "withdrawn")
    assert await seen_by_policy(world, author, version) == []
    assert len((await world.ledger.entries(author, kind="waiver.withdrawn")).items) == 1
    page = await world.waivers.page(author, "default", exactly(version), stage=None, cursor=None, limit=50)
    assert [waiver.id for waiver in page.items] == [granted.id]


@pytest.mark.parametrize("ending", ["expired", "withdrawn"])
async def test_whom_a_decision_rested_on_is_kept_and_looked_at_where_it_serves(world: World, ending: str) -> None:
    """The decision and its attestation name the giver; `resolve` says that the exception has ended, and serves on."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    granted = await waive(world, bob, version)
    said = answer(LIN_01="passed", DOC_01="missing")
    said["rules"]["DOC-01"]["waived"] = True
    world.engine.answers = [{**said, "allow": True, "waived": ["DOC-01"], "blocking": []}]
    done = await world.gate.promote(author, exactly(version), "production")
    assert done.applied
    rested = {"id": granted.id, "rule": "DOC-01", "principal": "bob", "expires_at": granted.expires_at}
    assert (await world.gate.decision(author, "default", done.decision.id)).waivers == (rested,)
    file = await world.gate.attestation(author, "default", done.decision.id)
    proven = verify_attestation(json.dumps(file).encode(), world.ledger.signer.public.pem)
    assert proven.as_json()["waivers"] == [rested]
    assert "waived by bob until 2026-11-30T09:00:00.000Z" in explain_text(decision_json(done.decision, {}))
    serves = Reference("default", Kind.AGENT, "docs", Stage("production"))

    async def waived() -> Any:
        return msgspec.json.decode((await world.registry.resolve(author, serves)).body)["waived"]

    assert await waived() == [{"rule": "DOC-01", "until": granted.expires_at, "lapsed": False}]
    if ending == "expired":
        world.clock.advance(7 * DAY_MS)
    else:
        await world.waivers.withdraw(bob, "default", granted.id)
    assert await waived() == [{"rule": "DOC-01", "until": granted.expires_at, "lapsed": True}]


async def test_another_projects_waiver_is_not_found(world: World) -> None:
    """Its id means nothing elsewhere, also to an admin of everything."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    granted = await waive(world, bob, await world.agent(author))
    await world.identity.create_project(world.admin, "other")
    with pytest.raises(NotFound):
        await world.waivers.withdraw(world.admin, "other", granted.id)


async def test_pages_go_from_the_newest_to_the_oldest(world: World) -> None:
    """Each waiver stands on exactly one page."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    granted = []
    for rule in ("DOC-01", "LIC-01", "OPS-01"):
        granted.append((await waive(world, bob, version, rule=rule)).id)
        world.clock.advance(1)
    first = await world.waivers.page(author, "default", None, stage="production", cursor=None, limit=2)
    rest = await world.waivers.page(author, "default", None, stage="production", cursor=first.next_cursor, limit=2)
    assert [waiver.id for waiver in (*first.items, *rest.items)] == granted[::-1]
    assert rest.next_cursor is None


async def test_what_is_out_of_use_is_not_waived_for(world: World) -> None:
    """Neither an archived version nor a revoked one."""
    author = await world.person("alice", Role.AUTHOR, Role.OPERATOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    await world.registry.revoke(author, exactly(version), "it leaks")
    with pytest.raises(Archived):
        await waive(world, bob, version)
