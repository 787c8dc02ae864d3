"""Rows edited by hand, races with a revocation, and a clock set back: by the shipped rules, nothing moves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from sekisho.gate.records import Decision
from sekisho.gate.service import Promoted
from sekisho.gate.types import Outcome
from sekisho.identity.types import Actor
from sekisho.kernel.errors import Revoked, SekishoError, Unwarranted
from sekisho.kernel.references import Reference, parse_reference
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.registry.manifests import prompt, register

ONE = parse_reference("prompt/ask@v1")


class Team:
    """A prompt that stands at staging and lacks only an approval for production, and people."""

    def __init__(self, services: Services, people: dict[str, Actor]) -> None:
        self.services, self.people = services, people

    async def approve(self, who: str, reference: Reference = ONE) -> None:
        approvals, actor = self.services.approvals, self.people[who]
        view = await approvals.evidence(actor, reference, "production")
        await approvals.approve(actor, reference, "production", view.hash)

    async def promote(self, reference: Reference = ONE) -> Promoted:
        return await self.services.gate.promote(self.people["alice"], reference, "production")

    async def edit(self, statement: str, **values: Any) -> None:
        async with self.services.database.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def entries(self, kind: str) -> list[Any]:
        page = await self.services.ledger.entries(self.people["alice"], kind=kind, limit=200)
        return list(page.items)


async def make(services: Services, api: ApiClient) -> Team:
    roles = {"alice": "author", "bob": "approver", "carol": "approver", "olga": "operator"}
    people = {
        name: await services.identity.authenticate(await api.token_for(role, name=name)) for name, role in roles.items()
    }
    return Team(services, people)


@pytest.fixture
async def team(services: Services, api: ApiClient) -> Team:
    team = await make(services, api)
    await stand(team, "ask")
    return team


async def stand(team: Team, name: str) -> Reference:
    """Register a prompt and have it promoted to staging."""
    await register(team.services.registry, team.people["alice"], f"prompt/{name}", prompt(f"{name} {{{{ context }}}}"))
    reference = parse_reference(f"prompt/{name}@v1")
    assert (await team.services.gate.promote(team.people["alice"], reference, "staging")).applied
    return reference


def said(decision: Decision, rule: str) -> str:
    return str(decision.rules[rule])


async def test_an_approval_lets_it_pass(team: Team) -> None:
    """What the tests below take away is all that was missing."""
    await team.approve("bob")
    assert (await team.promote()).applied


FORGED = {
    "an approval that nobody gave": (
        (
            "INSERT INTO approvals SELECT 'made-up', project, 'carol', kind, name, digest, stage, evidence_hash, "
            "token_id, created_at, expires_at FROM approvals"
        ),
        "DELETE FROM approvals WHERE id <> 'made-up'",
    ),
    "an approval given another name": ("UPDATE approvals SET principal = 'carol'",),
    "an approval given a longer life": ("UPDATE approvals SET expires_at = expires_at + 1",),
    "an approval by another token": ("UPDATE approvals SET token_id = 'other'",),
}


@pytest.mark.parametrize("case", FORGED)
async def test_an_approval_edited_by_hand_counts_for_nothing(team: Team, case: str) -> None:
    """The denial says so, and stands in the ledger."""
    await team.approve("bob")
    for statement in FORGED[case]:
        await team.edit(statement)
    done = await team.promote()
    assert (done.applied, done.decision.blocking) == (False, ("OVS-01",))
    assert "its row was changed by hand" in said(done.decision, "OVS-01")
    assert (await team.entries("decision.made"))[0].body["outcome"] == "deny"


async def test_an_approval_moved_to_another_version_counts_for_nothing(team: Team) -> None:
    """Its row was given the digest and evidence of a version that nobody looked at."""
    await team.approve("bob")
    other = await stand(team, "other")
    view = await team.services.approvals.evidence(team.people["bob"], other, "production")
    await team.edit(
        "UPDATE approvals SET digest = :digest, evidence_hash = :evidence, name = 'other'",
        digest=view.version.digest,
        evidence=view.hash,
    )
    done = await team.promote(other)
    assert done.decision.blocking == ("OVS-01",)
    assert "its row was changed by hand" in said(done.decision, "OVS-01")


async def test_a_revocation_undone_by_hand_stands(team: Team) -> None:
    """The ledger remembers it, whatever the rows say."""
    await team.approve("bob")
    await team.services.registry.revoke(team.people["olga"], ONE, "it leaks")
    await team.edit("DELETE FROM revocations")
    await team.edit("UPDATE versions SET revoked = false")
    await stand(team, "other")  # so that what is remembered goes
    with pytest.raises(Unwarranted, match="the row that says so is gone"):
        await team.services.registry.resolve(team.people["olga"], parse_reference("prompt/ask@staging"))
    done = await team.promote()
    assert (done.applied, done.decision.blocking) == (False, ("LIN-03",))
    assert (await team.entries("decision.made"))[0].body["outcome"] == "deny"


async def test_a_manifest_edited_by_hand_is_not_judged(team: Team) -> None:
    """It does not hash to its digest: nothing moves, and the ledger has who was refused what, and why."""
    await team.approve("bob")
    await team.edit("UPDATE versions SET manifest = replace(manifest, 'context', 'kontext')")
    with pytest.raises(SekishoError, match="has other content"):
        await team.promote()
    (entry,) = await team.entries("promotion.refused")
    assert (entry.principal, entry.body["stage"]) == ("alice", "production")
    assert f"the manifest kept as {entry.subject} (prompt/ask v1)" in entry.body["reason"]


async def test_two_approvals_racing_with_a_revocation(team: Team) -> None:
    """Whatever comes first, the stage does not move once the version is revoked, and serves it no more."""
    rest = []
    for number in range(4):
        reference = await stand(team, f"race{number}")
        olga, registry = team.people["olga"], team.services.registry
        asked = [
            team.approve("bob", reference),
            team.approve("carol", reference),
            registry.revoke(olga, reference, "it leaks"),
            team.promote(reference),
        ]
        done = await asyncio.gather(*(asked[number:] + asked[:number]), return_exceptions=True)
        assert all(isinstance(one, SekishoError) for one in done if isinstance(one, BaseException)), done
        later = await team.promote(reference)
        assert (later.applied, later.decision.outcome) == (False, Outcome.DENY)
        assert "LIN-03" in later.decision.blocking
        digest = later.decision.digest
        (revoked,) = [entry for entry in await team.entries("version.revoked") if entry.subject == digest]
        moves = [entry for entry in await team.entries("stage.moved") if entry.subject == digest]
        assert all(entry.seq < revoked.seq for entry in moves)
        assert next(entry for entry in await team.entries("decision.made") if entry.subject == digest).seq > revoked.seq
        for stage in ("staging", "production"):
            try:
                await registry.resolve(olga, parse_reference(f"prompt/race{number}@{stage}"))
            except SekishoError as error:
                rest.append(type(error))
    assert Revoked in rest
    assert len(rest) == 8


async def test_a_clock_that_is_set_back_moves_nothing(team: Team, clock: FixedClock) -> None:
    """What has expired would count again: no verdict, told with the reason, and kept in the ledger."""
    await team.approve("bob")
    clock.advance(-120_000)
    done = await team.promote()
    assert (done.applied, done.decision.outcome) == (False, Outcome.ERROR)
    assert "the clock of this server is behind" in (done.decision.error or "")
    assert (await team.entries("decision.made"))[0].body["outcome"] == "error"
    back = await team.services.gate.roll_back(team.people["olga"], ONE, "staging")
    assert back.applied  # which rests on nothing that expires
    clock.advance(120_000)
    assert (await team.promote()).applied


async def test_a_little_difference_between_clocks_is_no_fault(team: Team, clock: FixedClock) -> None:
    """Replicas are not set to the millisecond."""
    await team.approve("bob")
    clock.advance(-1_000)
    assert (await team.promote()).decision.outcome is not Outcome.ERROR
