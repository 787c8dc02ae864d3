"""A second person's yes: who may give it, to what, and when it lapses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sekisho.gate.records import APPROVAL_DAYS, Approval
from sekisho.identity.types import Actor, PrincipalKind, Role
from sekisho.kernel.errors import Archived, Conflict, Forbidden, Invalid
from sekisho.registry.types import Version
from tests.gate.world import World, exactly

DAY_MS = 86_400_000


async def approve(world: World, approver: Actor, version: Version, stage: str = "production") -> Approval:
    view = await world.approvals.evidence(approver, exactly(version), stage)
    return await world.approvals.approve(approver, exactly(version), stage, view.hash)


async def seen_by_policy(world: World, requester: Actor, version: Version) -> list[dict[str, object]]:
    """The approvals as the next decision's input shows them."""
    await world.gate.promote(requester, exactly(version), "production", dry_run=True)
    return list(world.engine.inputs[-1]["approvals"])


async def test_an_author_may_not_approve_his_own_change(world: World) -> None:
    """Also not with the approver's role."""
    author = await world.person("alice", Role.AUTHOR, Role.APPROVER)
    version = await world.agent(author)
    with pytest.raises(Forbidden, match="alice is the author of the change"):
        await approve(world, author, version)


async def test_a_second_person_is_heard(world: World) -> None:
    """His yes reaches policy with digest, stage and evidence, and the ledger has it."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    given = await approve(world, bob, version)
    (seen,) = await seen_by_policy(world, author, version)
    assert seen["independent"] is True
    assert seen["has_role"] is True
    assert seen["digest"] == version.digest
    assert seen["evidence_hash"] == world.engine.inputs[-1]["evidence"]["hash"]
    assert seen["expires_at"] == given.created_at + APPROVAL_DAYS * DAY_MS
    (entry,) = (await world.ledger.entries(author, kind="approval.given")).items
    assert entry.subject == version.digest


async def test_the_human_behind_the_commit_may_not_approve(world: World) -> None:
    """He is known by the commit author's e-mail, although a service registered the version."""
    ci = await world.person("ci", Role.AUTHOR, kind=PrincipalKind.SERVICE)
    ada = await world.person("ada", Role.APPROVER, email="ADA@example.org")
    version = await world.agent(ci)
    with pytest.raises(Forbidden, match="ada is the commit author of the change"):
        await approve(world, ada, version)


async def test_a_service_may_not_approve(world: World) -> None:
    """Only people say yes: a service is not given the role, and would not be heard if it had it."""
    author = await world.person("alice", Role.AUTHOR)
    with pytest.raises(Invalid, match="only people approve"):
        await world.person("robot", Role.APPROVER, kind=PrincipalKind.SERVICE)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    with pytest.raises(Forbidden, match="bob is a service"):
        await approve(world, replace(bob, kind=PrincipalKind.SERVICE), version)


async def test_an_admin_who_makes_himself_a_second_account_is_one_person(world: World) -> None:
    """Neither the account that he created, nor one that this one created, may approve his change."""
    mallory = await world.person("mallory", Role.AUTHOR)
    await world.identity.grant_role(world.admin, "mallory", "*", Role.ADMIN)
    _, secret = await world.identity.issue_token(world.admin, "mallory")
    mallory = await world.identity.authenticate(secret)
    second = await world.person("malory2", Role.APPROVER, by=mallory)
    version = await world.agent(mallory)
    with pytest.raises(Forbidden, match="malory2 was created by mallory"):
        await approve(world, second, version)


async def test_a_token_that_the_author_issued_does_not_approve(world: World) -> None:
    """An admin who wrote the change cannot borrow an independent person's name by issuing a token for it."""
    bob = await world.person("bob", Role.APPROVER)
    mallory = await world.person("mallory", Role.AUTHOR)
    await world.identity.grant_role(world.admin, "mallory", "*", Role.ADMIN)
    _, secret = await world.identity.issue_token(world.admin, "mallory")
    mallory = await world.identity.authenticate(secret)
    version = await world.agent(mallory)
    _, borrowed = await world.identity.issue_token(mallory, "bob")
    as_bob = await world.identity.authenticate(borrowed)
    with pytest.raises(Forbidden, match="token that came from mallory"):
        await approve(world, as_bob, version)
    await approve(world, bob, version)


async def test_the_requester_is_not_the_second_person(world: World) -> None:
    """Whoever approved and then asks for the promotion himself is told apart by policy."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER, Role.OPERATOR)
    version = await world.agent(author)
    await approve(world, bob, version)
    (seen,) = await seen_by_policy(world, bob, version)
    assert seen["independent"] is False
    assert seen["reasons"] == ["bob is the requester of the change"]


@pytest.mark.parametrize("other", ["digest", "stage", "evidence"])
async def test_an_approval_names_exactly_what_was_seen(world: World, other: str) -> None:
    """The evidence hash of another version, stage or moment is refused."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    world.runs.runs[version.digest] = []
    seen = (await world.approvals.evidence(bob, exactly(version), "production")).hash
    subject, stage, named = version, "production", seen
    if other == "digest":
        subject = await world.agent(author, text="another {{ context }}")
        world.runs.runs[subject.digest] = [run_about(subject.digest)]
    elif other == "stage":
        stage = "nowhere"
    else:
        named = "sha256:" + "0" * 64
    with pytest.raises((Conflict, Invalid)):
        await world.approvals.approve(bob, exactly(subject), stage, named)


async def test_new_evidence_lapses_an_approval(world: World) -> None:
    """After another run the old yes names evidence that is not what stands."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    await approve(world, bob, version)
    world.runs.runs[version.digest] = [run_about(version.digest)]
    (seen,) = await seen_by_policy(world, author, version)
    assert seen["evidence_hash"] != world.engine.inputs[-1]["evidence"]["hash"]


async def test_a_role_that_is_gone_counts_no_more(world: World) -> None:
    """Policy sees whether the approver still holds the role."""
    author = await world.person("alice", Role.AUTHOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    await approve(world, bob, version)
    await world.identity.revoke_role(world.admin, "bob", "default", Role.APPROVER)
    (seen,) = await seen_by_policy(world, author, version)
    assert seen["has_role"] is False


async def test_an_archived_version_takes_no_approval(world: World) -> None:
    """What is out of use is not said yes to."""
    author = await world.person("alice", Role.AUTHOR, Role.OPERATOR)
    bob = await world.person("bob", Role.APPROVER)
    version = await world.agent(author)
    view = await world.approvals.evidence(bob, exactly(version), "production")
    await world.registry.archive(author, exactly(version))
    with pytest.raises(Archived):
        await world.approvals.approve(bob, exactly(version), "production", view.hash)


def run_about(subject: str) -> dict[str, object]:
    """A run in the shape of the gate's input."""
    return {
        "id": "run-1",
        "suite": "sha256:" + "a" * 64,
        "suite_name": "docs-retrieval",
        "dataset": "sha256:" + "b" * 64,
        "subject": subject,
        "origin": "measured",
        "state": "finished",
        "finished_at": 1,
        "final_digest": "sha256:" + "c" * 64,
        "cases": 10,
        "scored": 10,
        "coverage_bp": 10_000,
        "engine": {},
        "instruments": [],
        "metrics": {},
    }
