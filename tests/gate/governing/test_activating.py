"""Two owners put a policy in force, having seen what it would turn; every process decides by it from then on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import text

from sekisho.gate.bench import Bench
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.governing.activating import Activating
from sekisho.gate.governing.standing import PolicyInForce
from sekisho.gate.governing.types import DAY_MS, PROPOSAL_DAYS, Activation
from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet
from sekisho.gate.records import Decision
from sekisho.identity.types import EVERYWHERE, Actor, PrincipalKind, Role
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import Conflict, Forbidden, IntegrityFailed, Invalid, SekishoError
from sekisho.kernel.references import parse_reference
from sekisho.wiring.services import Services, build_services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.gate.governing.policies import acme, author, canary, first_admin, looser, owner, strict
from tests.gate.inputs import shipped_policies
from tests.registry.manifests import prompt, register


@pytest.fixture
async def alice(services: Services) -> Actor:
    return await author(services, "alice")


@pytest.fixture
async def replica(services: Services, clock: FixedClock) -> AsyncIterator[Services]:
    """Another process on the same database."""
    other = build_services(services.settings, clock)
    await other.start()
    yield other
    await other.close()


async def published(services: Services, owner: Actor, policies: PolicySet) -> str:
    made, _ = await services.publishing.publish(owner, "acme", policies.content, message="")
    return made.label


async def in_force(services: Services, olivia: Actor, oscar: Actor, policies: PolicySet) -> Activation:
    """Published, proposed and approved."""
    label = await published(services, olivia, policies)
    proposal = await services.activating.propose(olivia, label, reason="a new rule", accept="as agreed")
    return await services.activating.approve(oscar, proposal.id, proposal.report_digest)


async def proposed(services: Services, olivia: Actor) -> Activation:
    label = await published(services, olivia, acme())
    return await services.activating.propose(olivia, label, reason="a new rule")


async def ask(services: Services, alice: Actor, number: int, stage: str = "dev") -> Decision:
    """Promote a version of a prompt, which is registered where it is not yet."""
    await register(services.registry, alice, "prompt/ask", prompt(f"{number} {{{{ context }}}}"))
    return (await services.gate.promote(alice, parse_reference(f"prompt/ask@v{number}"), stage)).decision


async def test_whoever_is_no_second_owner_cannot_approve(services: Services, olivia: Actor) -> None:
    """Not the proposer, not whom he made or who made him, not by a token that came from him; nothing changes."""
    admin = await first_admin(services)
    await services.identity.grant_role(admin, "olivia", EVERYWHERE, Role.ADMIN)
    olivia = await services.identity.authenticate((await services.identity.issue_token(olivia, "olivia"))[1])
    puppet = await owner(services, "puppet", by=olivia)
    proposal = await proposed(services, olivia)
    for approver in (olivia, puppet):
        with pytest.raises(Forbidden, match="may not approve this"):
            await services.activating.approve(approver, proposal.id, proposal.report_digest)
    other = await services.activating.propose(puppet, proposal.label, reason="by another hand")
    with pytest.raises(Forbidden, match="created by olivia"):
        await services.activating.approve(olivia, other.id, other.report_digest)
    assert (await services.policy_now()).digest == shipped_policies().digest


async def test_an_owner_without_the_role_does_neither(services: Services, olivia: Actor, alice: Actor) -> None:
    """Authors see no proposals; who lost the role meanwhile has proposed in vain; services are refused the role."""
    proposal = await proposed(services, olivia)
    for asked in (
        services.activating.preview(alice, "acme"),
        services.activating.propose(alice, "acme", reason="why not"),
        services.activating.approve(alice, proposal.id, proposal.report_digest),
        services.activating.withdraw(alice, proposal.id),
        services.activating.page(alice),
    ):
        with pytest.raises(Forbidden, match="policy_owner"):
            await asked
    admin = await first_admin(services)
    oscar = await owner(services, "oscar")
    await services.identity.revoke_role(admin, "olivia", EVERYWHERE, Role.POLICY_OWNER)
    with pytest.raises(Forbidden, match="no longer owns policy"):
        await services.activating.approve(oscar, proposal.id, proposal.report_digest)
    await services.identity.create_principal(admin, "robot", PrincipalKind.SERVICE)
    with pytest.raises(Invalid, match="only people govern policy"):
        await services.identity.grant_role(admin, "robot", EVERYWHERE, Role.POLICY_OWNER)


async def test_the_second_owner_names_what_he_saw(
    services: Services, olivia: Actor, oscar: Actor, clock: FixedClock
) -> None:
    """Another report's digest is refused, and so is a proposal that was withdrawn, is old, or is active already."""
    proposal = await proposed(services, olivia)
    with pytest.raises(Conflict, match="names another report"):
        await services.activating.approve(oscar, proposal.id, "sha256:" + "0" * 64)
    await services.activating.withdraw(oscar, proposal.id)
    with pytest.raises(Conflict, match="is withdrawn"):
        await services.activating.approve(oscar, proposal.id, proposal.report_digest)
    proposal = await services.activating.propose(olivia, "acme", reason="again")
    clock.advance(PROPOSAL_DAYS * DAY_MS)
    with pytest.raises(Conflict, match="is expired"):
        await services.activating.approve(oscar, proposal.id, proposal.report_digest)


async def test_a_policy_in_force_decides_in_every_process(
    services: Services, replica: Services, olivia: Actor, oscar: Actor, alice: Actor
) -> None:
    """Without a restart; the decision names it, its stages and bundle are served, and the audit finds it in order."""
    await ask(replica, alice, 1)
    done = await in_force(services, olivia, oscar, strict(change=canary))
    for process in (replica, services):
        decision = await ask(process, alice, 1 if process is services else 2, "canary")
        assert (decision.policy_digest, decision.outcome.value) == (done.digest, "allow")
        assert (await process.bundle_now()).policies.digest == done.digest
        assert "policy" not in await process.readiness.problems()
    denied = await ask(replica, alice, 2, "production")
    assert "ACM-01" in denied.blocking
    page = await services.ledger.entries(olivia, project="*", subject=done.digest)
    assert {entry.kind for entry in page.items} == {"policy.published", "policy.proposed", "policy.activated"}
    assert (await services.ledger.verify(olivia)).problems == ()


async def test_flips_are_shown_and_a_denial_that_would_be_allowed_needs_a_reason(
    services: Services, olivia: Actor, oscar: Actor, alice: Actor
) -> None:
    """Denials that become allows come first, with the parameters that do it; a reason is kept with the activation."""
    await ask(services, alice, 1)
    await ask(services, alice, 1, "production")
    policies = strict(change=looser)
    label = await published(services, olivia, policies)
    report = await services.activating.preview(olivia, label)
    assert [(one["turn"], one["stage"]) for one in report["listed"]] == [("deny to allow", "production")]
    assert report["turns"]["same"] == 1
    assert report["difference"]["stages"]["production"]["OVS-01"]["mode"] == {"before": "enforce", "after": "off"}
    assert report["difference"]["rules"]["added"]["ACM-01"]["severity"] == "low"
    for accept in (None, " "):
        with pytest.raises(Invalid, match="1 denial"):
            await services.activating.propose(olivia, label, reason="new", accept=accept)
    proposal = await services.activating.propose(olivia, label, reason="new", accept="ticket 7")
    assert (proposal.accepted, proposal.report) == ("ticket 7", report)
    await services.activating.approve(oscar, proposal.id, proposal.report_digest)
    assert (await services.policy_now()).digest == policies.digest


async def test_a_raced_activation_changes_nothing(services: Services, olivia: Actor, oscar: Actor) -> None:
    """Of two proposals against the same policy one is activated; the other's flips are against one that is gone."""
    first = await proposed(services, olivia)
    label = await published(services, olivia, strict())
    second = await services.activating.propose(olivia, label, reason="stricter")

    async def approved(one: Activation) -> str:
        try:
            return (await services.activating.approve(oscar, one.id, one.report_digest)).digest
        except Conflict as error:
            return error.detail

    done = await asyncio.gather(approved(first), approved(second))
    (digest,) = [one for one in done if one.startswith("sha256:")]
    assert any("another policy was activated meanwhile" in one for one in done)
    assert (await services.policy_now()).digest == digest
    states = {one.label: state for one, state in (await services.activating.page(olivia))[0]}
    assert sorted(states.values()) == ["active", "former", "overtaken"]


async def test_a_former_policy_is_activated_again(services: Services, olivia: Actor, oscar: Actor) -> None:
    """Rolling back is an activation like any other, by two owners; what is in force cannot be proposed."""
    await in_force(services, olivia, oscar, acme())
    with pytest.raises(Conflict, match="in force already"):
        await services.activating.propose(olivia, "acme", reason="again")
    back = await services.activating.propose(oscar, "sekisho", reason="the rule was wrong")
    await services.activating.approve(olivia, back.id, back.report_digest)
    assert (await services.policy_now()).digest == shipped_policies().digest
    assert back.report["difference"]["rules"]["removed"] == ["ACM-01"]


async def test_a_restart_keeps_what_is_in_force(
    services: Services, olivia: Actor, oscar: Actor, clock: FixedClock
) -> None:
    """Neither what ships nor the settings' folder takes the place of the policy that two owners activated."""
    done = await in_force(services, olivia, oscar, acme())
    other = build_services(services.settings, clock)
    await other.start()
    try:
        assert other.policy.digest == done.digest
        assert [one.label for one in await other.publishing.page(olivia)] == ["acme@v1", "sekisho@v1"]
    finally:
        await other.close()


async def test_a_failing_self_test_changes_nothing(services: Services, olivia: Actor, oscar: Actor) -> None:
    """The policy is tried again before it is put in force, and stays proposed where that fails."""
    proposal = await proposed(services, olivia)
    hurried = Activating(
        services.database,
        services.clock,
        services.ledger,
        services.identity,
        services.policy_in_force,
        services.activating.engine,
        seconds=0.0001,
    )
    with pytest.raises(SekishoError, match="nothing was changed"):
        await hurried.approve(oscar, proposal.id, proposal.report_digest)
    assert (await services.activating.one(olivia, proposal.id))[1] == "proposed"
    assert (await services.policy_now()).digest == shipped_policies().digest


UNDO = "UPDATE policy_activations SET seq = NULL WHERE seq = 2"
FORGE = "UPDATE policy_activations SET seq = 9 WHERE seq = 1"
REWRITE = "UPDATE policy_activations SET approved_by = 'nobody' WHERE seq = 2"
SWAP = "UPDATE policy_activations SET digest = (SELECT digest FROM policies WHERE name = 'sekisho') WHERE seq = 2"


@pytest.mark.parametrize("statement", [UNDO, FORGE, REWRITE, SWAP])
async def test_an_activation_edited_in_the_database_is_not_obeyed(
    services: Services, replica: Services, olivia: Actor, oscar: Actor, alice: Actor, statement: str
) -> None:
    """Undone, put in first place, signed by another, or pointed elsewhere: no decision, readyz red, the audit tells."""
    await in_force(services, olivia, oscar, acme())
    async with services.database.write() as tx:
        await tx.execute(text(statement))
    with pytest.raises(IntegrityFailed, match="cannot be trusted"):
        await replica.policy_now()
    with pytest.raises(IntegrityFailed, match="cannot be trusted"):
        await ask(services, alice, 1)
    assert "cannot be trusted" in (await services.readiness.problems())["policy"]
    assert any("policy activation" in problem for problem in (await services.ledger.verify(olivia)).problems)


async def test_a_decision_under_way_is_made_anew_when_its_policy_is_replaced(
    services: Services, olivia: Actor, oscar: Actor, alice: Actor
) -> None:
    """No decision enters the log under a policy that is not in force by then; the old engine answers to its end."""
    await register(services.registry, alice, "prompt/ask", prompt("1 {{ context }}"))
    label = await published(services, olivia, strict())
    proposal = await services.activating.propose(olivia, label, reason="stricter")

    async def approve() -> None:
        await services.activating.approve(oscar, proposal.id, proposal.report_digest)

    meanwhile = Meanwhile(services.policy_in_force, approve)
    gate = replace(services.gate, benches=meanwhile)
    decision = (await gate.promote(alice, parse_reference("prompt/ask@v1"), "dev")).decision
    assert meanwhile.judged == [shipped_policies().digest, proposal.digest]
    assert (decision.policy_digest, decision.answer is None) == (proposal.digest, False)


@dataclass
class Meanwhile:
    """The policy in force, before whose first answer something happens."""

    in_force: PolicyInForce
    act: Callable[[], Awaitable[None]]
    judged: list[str] = field(default_factory=list)

    async def sitting(self, tx: Transaction) -> Bench:
        bench = await self.in_force.sitting(tx)
        return Bench(bench.policies, Judge(BeforeAnswer(bench.judge.engine, self)))


@dataclass
class BeforeAnswer:
    """An engine that lets something happen before it answers."""

    engine: PolicyEngine
    meanwhile: Meanwhile
    name: str = "regorus"
    version: str = ""

    @property
    def policy_digest(self) -> str:
        return self.engine.policy_digest

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        self.meanwhile.judged.append(self.policy_digest)
        if len(self.meanwhile.judged) == 1:
            await self.meanwhile.act()
        return await self.engine.evaluate(document)

    async def check(self) -> None:
        await self.engine.check()

    async def close(self) -> None:
        await self.engine.close()


async def test_rest_proposes_and_approves(api: ApiClient, olivia: Actor, oscar: Actor) -> None:
    """The proposer is refused with 403, the second owner puts it in force, and the bundle has its revision."""
    tokens = {
        actor.principal: (await api.services.identity.issue_token(actor, actor.principal))[1]
        for actor in (olivia, oscar)
    }
    one, two = ({"Authorization": f"Bearer {tokens[name]}"} for name in ("olivia", "oscar"))
    body = {"policy": "acme", "content": acme().content}
    assert (await api.post("/v1/policies", json=body, headers=one)).status_code == 201
    assert (await api.get("/v1/policies/acme/flips", headers=one)).json()["decisions"] == 0
    path = "/v1/policy/activations"
    assert (await api.post(path, json={"policy": "acme", "reason": "x"})).status_code == 401
    made = (await api.post(path, json={"policy": "acme", "reason": "ours"}, headers=one)).json()
    approval = {"report": made["report_digest"]}
    assert (await api.post(f"{path}/{made['id']}/approve", json=approval, headers=one)).status_code == 403
    etag = (await api.get("/v1/policy/bundle")).headers["etag"]
    done = await api.post(f"{path}/{made['id']}/approve", json=approval, headers=two)
    assert (done.status_code, done.json()["state"]) == (200, "active")
    assert (await api.get("/v1/policy", headers=one)).json()["digest"] == made["digest"]
    assert (await api.get("/v1/policy/bundle", headers={"If-None-Match": etag})).status_code == 200
    listed = (await api.get(path, headers=two)).json()
    assert listed["in_force"] == made["digest"]
    assert {item["policy"]: item["state"] for item in listed["items"]} == {"acme@v1": "active", "sekisho@v1": "former"}
    assert (await api.get(f"{path}/{made['id']}", headers=two)).json()["report"] == made["report"]
