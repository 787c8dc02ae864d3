"""A candidate judges alongside: what it says is kept apart, and nothing of it touches a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from sekisho.gate.governing.shadowing import WAITING, Shadowing
from sekisho.gate.input_types import GateInput
from sekisho.gate.records import Decision
from sekisho.gate.schemas import read_input
from sekisho.gate.store import DecisionStore
from sekisho.identity.types import Actor
from sekisho.kernel.errors import Conflict, EngineFailed, Forbidden, NotFound
from sekisho.kernel.references import parse_reference
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.gate.governing.policies import acme, author, looser, strict
from tests.registry.manifests import prompt, register


@pytest.fixture
async def alice(services: Services) -> Actor:
    return await author(services, "alice")


async def ask(services: Services, alice: Actor, number: int, stage: str = "dev") -> Decision:
    await register(services.registry, alice, "prompt/ask", prompt(f"{number} {{{{ context }}}}"))
    return (await services.gate.promote(alice, parse_reference(f"prompt/ask@v{number}"), stage)).decision


async def test_only_an_owner_starts_and_stops_one(services: Services, olivia: Actor, alice: Actor) -> None:
    """And only a published policy that is not in force."""
    for asked in (
        services.shadowing.start(alice, "sekisho"),
        services.shadowing.stop(alice),
        services.shadowing.report(alice),
    ):
        with pytest.raises(Forbidden):
            await asked
    for nothing in (services.shadowing.stop(olivia), services.shadowing.report(olivia)):
        with pytest.raises(NotFound):
            await nothing
    with pytest.raises(NotFound):
        await services.shadowing.start(olivia, "acme")
    with pytest.raises(Conflict, match="is in force"):
        await services.shadowing.start(olivia, "sekisho")


async def test_a_shadow_tells_what_it_would_have_decided(
    services: Services, olivia: Actor, alice: Actor, clock: FixedClock
) -> None:
    """Denials that it would have allowed come first; decisions before and after it are not its own."""
    await ask(services, alice, 1)
    policies = strict(change=looser)
    await services.publishing.publish(olivia, "acme", policies.content, message="")
    clock.advance(1000)
    shadow = await services.shadowing.start(olivia, "acme@v1")
    denied = await ask(services, alice, 1, "production")
    allowed = await ask(services, alice, 2)
    await services.shadowing.settled()
    clock.advance(1000)
    report = await services.shadowing.report(olivia)
    assert (report["shadow"], report["digest"]) == (shadow.id, policies.digest)
    assert (report["decisions"], report["judged"], report["left_out"]) == (2, 2, 0)
    assert [(one["decision"], one["turn"]) for one in report["flips"]] == [(denied.id, "deny to allow")]
    assert (report["agreement_bp"], report["turns"]["same"]) == (5000, 1)
    assert (allowed.outcome.value, denied.outcome.value) == ("allow", "deny")
    await services.shadowing.stop(olivia)
    clock.advance(1000)
    await ask(services, alice, 3)
    await services.shadowing.settled()
    assert (await services.shadowing.report(olivia, shadow.id))["decisions"] == 2
    page = await services.ledger.entries(olivia, project="*", subject=policies.digest)
    assert {entry.kind for entry in page.items} >= {"policy.shadow_started", "policy.shadow_stopped"}
    assert (await services.ledger.verify(olivia)).problems == ()


@dataclass
class Troubled:
    """An engine that fails, or that answers nothing until it is let go."""

    policy_digest: str
    hold: asyncio.Event | None = None
    name: str = "regorus"
    version: str = ""

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        if self.hold is not None:
            await self.hold.wait()
        raise EngineFailed("it broke")

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None


async def shadowed(services: Services, olivia: Actor, hold: asyncio.Event | None) -> Shadowing:
    """The services' decisions are watched by a shadow whose engine is in trouble."""
    await services.publishing.publish(olivia, "acme", acme().content, message="")
    await services.shadowing.start(olivia, "acme")
    return Shadowing(
        services.database, services.clock, services.ledger, lambda policies: Troubled(policies.digest, hold)
    )


async def test_a_shadow_that_fails_is_told_and_decides_nothing(services: Services, olivia: Actor, alice: Actor) -> None:
    """Its error is its finding."""
    broken = await shadowed(services, olivia, None)
    decision = await ask(services, alice, 1)
    await services.shadowing.settled()
    async with services.database.write() as tx:
        await tx.execute(text("DELETE FROM policy_shadow_findings"))
    broken.observe(decision, await input_of(services, decision))
    await broken.settled()
    report = await broken.report(olivia)
    assert report["turns"]["no verdict now"] == 1
    assert report["flips"][0]["error"].startswith("it broke")
    assert "agreement_bp" not in report
    assert decision.outcome.value == "allow"
    await broken.close()


async def test_a_slow_shadow_holds_nothing_up(services: Services, olivia: Actor, alice: Actor) -> None:
    """Handing over returns at once; what waits beyond a bound is left out, and closing does not wait."""
    slow = await shadowed(services, olivia, asyncio.Event())
    decision = await ask(services, alice, 1)
    document = await input_of(services, decision)
    for _ in range(WAITING * 2):
        slow.observe(decision, document)
    await slow.close()
    assert (await slow.report(olivia))["judged"] <= 1


async def test_a_changed_candidate_judges_nothing(services: Services, olivia: Actor, alice: Actor) -> None:
    """Its published bytes were edited: the decision stands, and the report says that it was left out."""
    await services.publishing.publish(olivia, "acme", acme().content, message="")
    await services.shadowing.start(olivia, "acme")
    async with services.database.write() as tx:
        await tx.execute(text("UPDATE policies SET content = '{}' WHERE name = 'acme'"))
    decision = await ask(services, alice, 1)
    await services.shadowing.settled()
    report = await services.shadowing.report(olivia)
    assert (decision.outcome.value, report["judged"], report["left_out"]) == ("allow", 0, 1)


async def input_of(services: Services, decision: Decision) -> GateInput:
    async with services.database.read() as tx:
        return read_input(await DecisionStore(tx).input_of(decision.id))


async def test_rest_starts_reports_and_stops(api: ApiClient, olivia: Actor) -> None:
    """As an owner; the answer to a stop says who stopped it."""
    _, secret = await api.services.identity.issue_token(olivia, "olivia")
    headers = {"Authorization": f"Bearer {secret}"}
    path = "/v1/policy/shadow"
    assert (await api.post(path, json={"policy": "acme"})).status_code == 401
    assert (await api.get(path, headers=headers)).status_code == 404
    await api.post("/v1/policies", json={"policy": "acme", "content": acme().content}, headers=headers)
    started = await api.post(path, json={"policy": "acme"}, headers=headers)
    assert (started.status_code, started.json()["policy"]) == (201, "acme@v1")
    report = (await api.get(path, headers=headers)).json()
    assert (report["judged"], report["turns"]["same"]) == (0, 0)
    stopped = await api.post(f"{path}/stop", headers=headers)
    assert (stopped.status_code, stopped.json()["stopped_by"]) == (200, "olivia")
