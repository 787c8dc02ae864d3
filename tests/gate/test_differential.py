"""regorus and the real OPA decide alike, whatever the input."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings

from sekisho.gate.bundle import build_bundle, bundle_signer
from sekisho.gate.engines.opa_server import OpaServer
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.verdict import read_verdict
from sekisho.kernel.errors import EngineFailed
from sekisho.ledger.signing import load_or_create_signer
from tests.conftest import service_url
from tests.gate.generated import Changed, as_sent, gate_inputs
from tests.gate.inputs import Json, fixed_policies
from tests.gate.opa import BundleHost, opa_pulling, ready, serving

EXAMPLES: Final = int(os.environ.get("SEKISHO_TEST_DIFFERENTIAL", "350"))
"""Documents to try, each as `variants` has it: over two thousand inputs in about a minute, and more for who asks."""


@dataclass(frozen=True)
class Both:
    """Both engines under one policy, in a loop of their own, since hypothesis calls from ordinary code."""

    loop: asyncio.AbstractEventLoop
    engines: tuple[PolicyEngine, ...]
    outcomes: set[str]
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answers(self, document: Json) -> list[Any]:
        return self.loop.run_until_complete(self._answers(document))

    async def _answers(self, document: Json) -> list[Any]:
        return list(await asyncio.gather(*(_answer(engine, document) for engine in self.engines)))


async def _answer(engine: PolicyEngine, document: Json) -> Any:
    """The whole decision; what is none is only said to be so, since the engines word their troubles differently."""
    try:
        raw = await engine.evaluate(document)
        return read_verdict(raw, engine=engine.name, policy_digest="").as_json()
    except EngineFailed:
        return "no verdict"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    binary = service_url("SEKISHO_TEST_OPA_BINARY")
    folder: Path = tmp_path_factory.mktemp("differential")
    policies = fixed_policies()
    signer = bundle_signer(load_or_create_signer(folder / "signing.pem"), folder / "bundle.pem")
    loop, stack = asyncio.new_event_loop(), AsyncExitStack()

    async def start() -> Both:
        host = await stack.enter_async_context(serving(BundleHost(build_bundle(policies, signer))))
        url = await stack.enter_async_context(opa_pulling(binary, host, signer.public, folder))
        await ready(url)
        engines = RegorusEngine(policies, timeout_ms=30_000), OpaServer(url, policies.digest, timeout_ms=30_000)
        for engine in engines:
            stack.push_async_callback(engine.close)
        return Both(loop, engines, set())

    yield loop.run_until_complete(start())
    loop.run_until_complete(stack.aclose())
    loop.close()


@pytest.mark.timeout(300 + 3 * EXAMPLES)
@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of the input that they differ on, if there is one
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(changed=gate_inputs())
def test_no_input_is_decided_differently(both: Both, changed: Changed) -> None:
    """The same outcome, the same rules, the same words; and an answer, not that neither could give one."""
    for document in variants(changed.document):
        embedded, server = both.answers(as_sent(document))
        assert embedded == server
        assert embedded != "no verdict"
        both.outcomes.add("allow" if embedded["allow"] else "deny")
        both.asked.append((document["stage"], document["action"]))


def variants(document: Json) -> Iterator[Json]:
    """The same evidence before each stage, on the way up and back: other rules are required there."""
    for stage in ("dev", "staging", "production"):
        for action in ("promote", "rollback"):
            yield {**document, "stage": stage, "action": action}


def test_the_inputs_reach_both_outcomes(both: Both) -> None:
    """Were every input denied for the same reason, their agreement would say little; and there were thousands."""
    assert both.outcomes == {"allow", "deny"}
    assert len(set(both.asked)) == 6
    assert len(both.asked) >= 6 * EXAMPLES
