"""Rolling back while the policy engine is away: the embedded engine judges it on the same policy, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.gate.bench import Bench
from sekisho.gate.judge import Judge
from sekisho.gate.service import Gate
from sekisho.gate.types import Outcome
from sekisho.identity.types import Actor, Role
from sekisho.kernel.errors import EngineFailed
from sekisho.kernel.references import parse_reference
from sekisho.kernel.settings import Settings
from sekisho.registry.types import Version
from sekisho.wiring.services import Services, build_services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.gate.inputs import digest, fixed_policies
from tests.gate.world import SetBenches, SetEngine, World, answer, exactly
from tests.registry.manifests import prompt, register

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def olga(world: World) -> Actor:
    return await world.person("olga", Role.AUTHOR, Role.OPERATOR)


async def served_then_away(world: World, olga: Actor) -> Version:
    """The version that staging served first; a second one stands there, and now the engine is away."""
    one, two = [await world.agent(olga, text=f"{n} {{{{ context }}}}") for n in (1, 2)]
    for version in (one, two):
        await world.gate.promote(olga, exactly(version), "staging")
    world.engine.answers = [EngineFailed("down")]
    return one


def with_standby(world: World, engine: SetEngine) -> Gate:
    bench = Bench(fixed_policies(), Judge(world.engine), Judge(engine))
    return replace(world.gate, benches=SetBenches(bench))


async def test_a_promotion_never_asks_the_standby(world: World, olga: Actor) -> None:
    """The engine of the settings decides what moves on; while it is away nothing does."""
    standby = SetEngine(name="embedded")
    version = await served_then_away(world, olga)
    promoted = await with_standby(world, standby).promote(olga, exactly(version), "staging")
    assert (promoted.decision.outcome, promoted.applied) == (Outcome.ERROR, False)
    assert standby.inputs == []


async def test_a_roll_back_is_judged_by_the_standby_which_is_recorded(world: World, olga: Actor) -> None:
    """The decision names the engine that made it, under the same policy digest."""
    standby = SetEngine(name="embedded")
    version = await served_then_away(world, olga)
    rolled = await with_standby(world, standby).roll_back(olga, exactly(version), "staging")
    assert rolled.applied
    assert (rolled.decision.engine, rolled.decision.policy_digest) == ("embedded 1", world.engine.policy_digest)
    assert standby.inputs[0]["formerly_allowed"] is True
    assert await world.serves("staging") == version.digest


async def test_an_engine_that_answers_is_the_one_that_decides(world: World, olga: Actor) -> None:
    """A denial is a verdict: nobody else is asked."""
    standby = SetEngine(name="embedded")
    version = await served_then_away(world, olga)
    world.engine.answers = [answer(LIN_01="failed")]
    rolled = await with_standby(world, standby).roll_back(olga, exactly(version), "staging")
    assert (rolled.decision.outcome, standby.inputs) == (Outcome.DENY, [])


@pytest.mark.parametrize(
    "standby",
    [
        SetEngine(answers=[answer(LIN_03="failed")]),
        SetEngine(answers=[EngineFailed("down too")]),
        SetEngine(policy_digest=digest("8")),
    ],
    ids=["denies", "is away too", "runs another policy"],
)
async def test_a_standby_that_does_not_allow_moves_nothing(world: World, olga: Actor, standby: SetEngine) -> None:
    """Neither a revoked version, nor without a verdict, nor under a policy that is not the pinned one."""
    version = await served_then_away(world, olga)
    rolled = await with_standby(world, standby).roll_back(olga, exactly(version), "staging")
    assert not rolled.applied
    assert await world.serves("staging") != version.digest


@pytest.fixture
async def without_opa(services: Services, data_dir: Path, clock: FixedClock) -> AsyncIterator[Services]:
    """The same server as `services`, set to an OPA server that does not answer."""
    settings = Settings(
        database_url=services.settings.database_url, data_dir=data_dir, policy_engine="opa", opa_url=NOWHERE
    )
    other = build_services(settings, clock)
    await other.watch.start()
    yield other
    await other.close()


async def test_with_opa_down_the_shipped_policy_still_rolls_back(api: ApiClient, without_opa: Services) -> None:
    """Two versions were allowed while an engine answered; regorus takes the stage back, and refuses to go on."""
    identity, registry = api.services.identity, api.services.registry
    olga = await identity.authenticate(await api.token_for("operator"))
    alice = await identity.authenticate(await api.token_for("author"))
    for number in (1, 2, 3):
        await register(registry, alice, "prompt/ask", prompt(f"{number} {{{{ context }}}}"))
    for number in (1, 2):
        reference = parse_reference(f"prompt/ask@v{number}")
        assert (await api.services.gate.promote(alice, reference, "dev")).applied
    denied = await without_opa.gate.roll_back(olga, parse_reference("prompt/ask@v3"), "dev")
    assert denied.decision.blocking == ("LIN-07",)
    rolled = await without_opa.gate.roll_back(olga, parse_reference("prompt/ask@v1"), "dev")
    assert rolled.applied
    assert rolled.decision.engine.startswith("regorus")
    assert rolled.decision.policy_digest == without_opa.policy.digest
    assert not (await without_opa.gate.promote(alice, parse_reference("prompt/ask@v3"), "dev")).applied
