"""A proposal tells how far it is, is bounded in time, and leaves nothing behind where nobody waits for its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sekisho.client.connection import _events
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.governing.activating import Activating
from sekisho.gate.governing.flips import Judged
from sekisho.gate.governing.telling import told
from sekisho.gate.policies import PolicySet
from sekisho.identity.types import Actor
from sekisho.kernel.errors import EngineFailed, Invalid
from sekisho.kernel.references import parse_reference
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.gate.governing.policies import author, looser, strict
from tests.registry.manifests import prompt, register

PATH = "/v1/policy/activations"


@dataclass
class Stuck:
    """An engine that says that it was asked, and never answers."""

    engine: PolicyEngine
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "regorus"
    version: str = ""

    @property
    def policy_digest(self) -> str:
        return self.engine.policy_digest

    async def evaluate(self, _document: Mapping[str, Any]) -> object:
        self.asked.set()
        return await asyncio.Future()

    async def check(self) -> None:
        await self.engine.check()

    async def close(self) -> None:
        await self.engine.close()


@pytest.fixture
async def label(services: Services, olivia: Actor) -> str:
    """A published policy under which one of two kept decisions, a denial, would be an allow."""
    alice = await author(services, "alice")
    await register(services.registry, alice, "prompt/ask", prompt("{{ context }}"))
    for stage in ("dev", "production"):
        await services.gate.promote(alice, parse_reference("prompt/ask@v1"), stage)
    made, _ = await services.publishing.publish(olivia, "acme", strict(change=looser).content, message="")
    return made.label


def stuck(services: Services, **changes: Any) -> tuple[Activating, list[Stuck]]:
    made: list[Stuck] = []

    def engine(policies: PolicySet) -> PolicyEngine:
        made.append(Stuck(services.activating.engine(policies)))
        return made[-1]

    return replace(services.activating, engine=engine, **changes), made


async def listened(api: ApiClient, owner: Actor, body: dict[str, Any]) -> list[tuple[str, Any]]:
    token = (await api.services.identity.issue_token(owner, owner.principal))[1]
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    answer = await api.post(PATH, json=body, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return list(_events(answer.text.splitlines()))


async def test_a_refusal_comes_as_a_problem(api: ApiClient, olivia: Actor, label: str) -> None:
    """With the type, the words and the field that the same request without a stream is refused with."""
    *_, (name, said) = await listened(api, olivia, {"policy": label, "reason": "new"})
    assert (name, said["type"], said["errors"][0]["path"]) == ("problem", "invalid", "$.accept")
    assert (await api.services.activating.page(olivia))[0][0][0].label == "sekisho@v1"


async def test_a_proposal_tells_how_far_it_is(api: ApiClient, olivia: Actor, label: str) -> None:
    """Each step is more than the one before, none beyond the whole; at last the proposal as it stands."""
    *steps, (name, said) = await listened(api, olivia, {"policy": label, "reason": "new", "accept": "ticket 7"})
    assert {step for step, _ in steps} <= {"progress"}
    judged = [one["judged"] for _, one in steps]
    assert judged == sorted(judged)
    assert all(one["judged"] <= one["of"] <= 2 for _, one in steps)
    assert (name, said["state"], said["report"]["decisions"]) == ("done", "proposed", 2)
    kept, _ = await api.services.activating.one(olivia, said["id"])
    assert kept.report_digest == said["report_digest"]


async def test_every_decision_that_was_judged_is_told(services: Services, olivia: Actor, label: str) -> None:
    """One after another, of how many."""
    heard: list[tuple[int, int]] = []
    await services.activating.preview(olivia, label, lambda done, total: heard.append((done, total)))
    assert heard == [(1, 2), (2, 2)]


async def test_whoever_hangs_up_has_proposed_nothing(services: Services, olivia: Actor, label: str) -> None:
    """The work stops with its listener, the engines are let go, and there is no proposal."""
    activating, made = stuck(services)

    async def propose(judged: Judged) -> dict[str, Any]:
        await activating.propose(olivia, label, reason="new", judged=judged)
        return {}

    events = told(propose, alive_s=0.01)
    assert await anext(events) == ("progress", {"judged": 0, "of": 0})
    async with asyncio.timeout(60):
        while not any(engine.asked.is_set() for engine in made):
            await anext(events)
    await events.aclose()
    assert [one.label for one, _ in (await services.activating.page(olivia))[0]] == ["sekisho@v1"]


async def test_a_policy_that_takes_too_long_is_not_proposed(services: Services, olivia: Actor, label: str) -> None:
    """After the time that is allowed for all of it, with a reason; nothing is kept."""
    activating, _ = stuck(services, patience_s=5.0)
    with pytest.raises(EngineFailed, match="not judged within 5 s; nothing was changed"):
        await activating.propose(olivia, label, reason="new", accept="ticket 7")
    assert [one.label for one, _ in (await services.activating.page(olivia))[0]] == ["sekisho@v1"]


async def test_what_went_wrong_is_told_once_and_last() -> None:
    """Whatever is on its way is said before the problem, and nothing after it."""

    async def fail(judged: Judged) -> dict[str, Any]:
        judged(1, 3)
        await asyncio.sleep(0)
        raise Invalid("it is not valid")

    *steps, last = [event async for event in told(fail)]
    assert last == ("problem", {"type": "invalid", "title": "The input is not valid", "detail": "it is not valid"})
    assert steps in ([], [("progress", {"judged": 1, "of": 3})])
