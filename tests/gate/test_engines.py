"""Both engines keep one contract: the same decisions, and no answer at all rather than a wrong one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sekisho.gate.bundle import build_bundle, bundle_signer
from sekisho.gate.engines.opa_server import OpaServer
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.policies import PolicySet
from sekisho.gate.verdict import read_verdict
from sekisho.kernel.errors import EngineFailed, Invalid
from sekisho.ledger.signing import Signer, load_or_create_signer
from tests.conftest import service_url
from tests.gate.cases import CASES, GOLDEN, Case
from tests.gate.inputs import fixed_policies, promotion
from tests.gate.opa import BundleHost, free_port, opa_pulling, ready, serving


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return fixed_policies()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return bundle_signer(load_or_create_signer(tmp_path / "signing.pem"), tmp_path / "bundle.pem")


@pytest.fixture(params=["regorus", "opa"])
async def engine(
    request: pytest.FixtureRequest, policies: PolicySet, signer: Signer, tmp_path: Path
) -> AsyncIterator[PolicyEngine]:
    """Each engine under the tests' policy."""
    if request.param == "regorus":
        regorus = RegorusEngine(policies, timeout_ms=20_000)
        yield regorus
        await regorus.close()
        return
    binary = service_url("SEKISHO_TEST_OPA_BINARY")
    host = BundleHost(build_bundle(policies, signer))
    async with serving(host) as host_url, opa_pulling(binary, host_url, signer.public, tmp_path) as url:
        await ready(url)
        opa = OpaServer(url, policies.digest, timeout_ms=20_000)
        yield opa
        await opa.close()


def rego(text: str) -> PolicySet:
    """The tests' policy with one other file in place of its rules."""
    return replace(fixed_policies(), files={"sekisho/gate.rego": text.encode()})


async def test_an_engine_passes_its_self_test(engine: PolicyEngine) -> None:
    """The engine is there, runs this policy, and denies an empty input."""
    await engine.check()
    assert engine.version


async def test_golden_decisions_are_the_same_on_every_engine(engine: PolicyEngine) -> None:
    """Each golden input gets exactly the decision that is kept beside it."""
    different = []
    for case in CASES:
        kept = json.loads((GOLDEN / f"{case.name}.json").read_text())
        if await engine.evaluate(kept["input"]) != kept["decision"]:
            different.append(case.name)
    assert different == []


async def test_an_engine_answers_in_parallel(engine: PolicyEngine, policies: PolicySet) -> None:
    """Ten questions at once get ten answers, each to its own question."""
    cases = CASES[:10]
    answers = await asyncio.gather(*(engine.evaluate(case.document) for case in cases))
    for case, answer in zip(cases, answers, strict=True):
        verdict = read_verdict(answer, engine=engine.name, policy_digest=policies.digest)
        assert verdict.answer.blocking == tuple(sorted(case.blocking))


@pytest.mark.parametrize("text", ["", "日本語 🏯", "\x00", "\\u0000", "a" * 4000, "'\"`{}%s%d"])
async def test_strings_of_any_kind_come_back_alike(engine: PolicyEngine, text: str) -> None:
    """What stands in an input cannot bend the decision about it."""
    document = promotion()
    document["evidence"]["runs"][0]["engine"]["note"] = text
    document["lineage"]["edges"][document["lineage"]["root"]].append(text)
    answer = await engine.evaluate(document)
    assert isinstance(answer, dict)
    assert answer["blocking"] == ["LIN-02"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_files_hold_what_the_cases_say(case: Case) -> None:
    """The kept input is the case's, and its decision names the rule's status and exactly what blocks."""
    kept = json.loads((GOLDEN / f"{case.name}.json").read_text())
    assert kept["input"] == case.document
    verdict = read_verdict(kept["decision"], engine="kept", policy_digest="")
    assert (verdict.rules[case.rule].status, set(verdict.answer.blocking)) == (case.status, set(case.blocking))
    assert verdict.answer.allow is not bool(case.blocking)


def test_no_golden_file_is_left_over() -> None:
    """Every file belongs to a case, and every case has a file."""
    assert {path.stem for path in GOLDEN.glob("*.json")} == {case.name for case in CASES}
    assert len({case.name for case in CASES}) == len(CASES)


# regorus: the child is replaceable, and its end is an error.


async def test_a_late_child_is_stopped_and_replaced() -> None:
    """An evaluation past its time is an error, its process is gone, and the next question gets a new one."""
    engine = RegorusEngine(rego('package sekisho.gate\n\ndecision := {"allow": false} if input.quick\n' + SLOW), 1000)
    await engine.evaluate({"quick": True})
    first = engine._child
    with pytest.raises(EngineFailed, match="within 1000 ms"):
        await engine.evaluate({"quick": False})
    assert first is not None
    assert first.returncode == -signal.SIGKILL
    assert await engine.evaluate({"quick": True}) == {"allow": False}
    await engine.close()


SLOW = """
decision := {"allow": true} if {
	input.quick == false
	count({x | some a in numbers.range(1, 5000); some b in numbers.range(1, 5000); x := a * b}) > 0
}
"""


async def test_a_killed_child_is_an_error_and_is_replaced(policies: PolicySet) -> None:
    """A child that dies while it thinks gives no answer; the next question starts another."""
    engine = RegorusEngine(rego('package sekisho.gate\n\ndecision := {"allow": false} if input.quick\n' + SLOW), 20_000)
    await engine.evaluate({"quick": True})
    assert engine._child is not None
    asking = asyncio.create_task(engine.evaluate({"quick": False}))
    await asyncio.sleep(0.2)
    os.kill(engine._child.pid, signal.SIGKILL)
    with pytest.raises(EngineFailed, match="died"):
        await asking
    assert await engine.evaluate({"quick": True}) == {"allow": False}
    await engine.close()


async def test_a_cancelled_question_leaves_no_answer_behind(policies: PolicySet) -> None:
    """Who asks next after a cancelled question gets his own answer, not the cancelled one's."""
    engine = RegorusEngine(policies, 20_000)
    denied = next(case for case in CASES if case.name.endswith("no-approval"))
    await engine.check()
    for _ in range(3):
        asking = asyncio.create_task(engine.evaluate(denied.document))
        await asyncio.sleep(0.005)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        answer = await engine.evaluate(promotion())
        assert isinstance(answer, dict)
        assert answer["allow"] is True
    await engine.close()


async def test_the_child_has_a_memory_cap() -> None:
    """A policy that grows without end ends its child, not the server."""
    engine = RegorusEngine(rego(HUNGRY), 60_000, memory=128 << 20)
    with pytest.raises(EngineFailed, match="died"):
        await engine.evaluate({"hungry": True})
    await engine.close()


HUNGRY = """package sekisho.gate

decision := {"allow": count(numbers.range(1, 50000000)) < 0} if input.hungry
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("package sekisho.gate\n\ndecision := {", "could not load"),
        ('package sekisho.gate\n\ndecision := {"allow": true}', "allows an empty input"),
        ('package sekisho.gate\n\ndecision := {"allow": true} if input.x', "does not answer"),
        ("package sekisho.gate\n\ndecision := true", "does not answer"),
        ("package sekisho.gate\n\nother := 1", "could not load"),
        ("package sekisho.gate\n\ndecision := 1 if true\n\ndecision := 2 if true", "could not"),
    ],
)
async def test_a_broken_policy_fails_the_self_test(text: str, message: str) -> None:
    """What does not compile, is undefined or allows everything never gets to decide."""
    engine = RegorusEngine(rego(text), 5000)
    with pytest.raises(EngineFailed, match=message):
        await engine.check()
    await engine.close()


async def test_an_engine_that_is_closed_leaves_no_process(policies: PolicySet) -> None:
    """Closing ends the child."""
    engine = RegorusEngine(policies, 5000)
    await engine.check()
    child = engine._child
    await engine.close()
    assert child is not None
    assert child.returncode is not None


# OPA: whatever is not an answer under our revision is an error.


def answering(status: int, body: bytes, *, content_type: str = "application/json", wait: float = 0) -> Any:
    async def handler(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(wait)
        return web.Response(status=status, body=body, content_type=content_type)

    return handler


def provenance(revision: str, **rest: Any) -> bytes:
    return json.dumps({"provenance": {"bundles": {"sekisho": {"revision": revision}}}, **rest}).encode()


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b'{"code": "internal_error"}', "no answer"),
        (404, b"{}", "no answer"),
        (200, b"{}", "no bundle of ours"),
        (200, b"[]", "not an object"),
        (200, b"not json", "no answer"),
        (200, b"", "not an object"),
        (200, b'{"result": {"allow": true}}', "no bundle of ours"),
        (200, b'{"result": {"allow": true}, "provenance": null}', "no bundle of ours"),
        (200, provenance("sha256:other", result={"allow": True}), "runs policy sha256:other"),
        (200, provenance("right"), "answered nothing"),
    ],
)
async def test_an_opa_that_does_not_answer_is_an_error(status: int, body: bytes, message: str) -> None:
    """Errors, garbage, an undefined decision and another policy all end the same way."""
    async with serving(answering(status, body)) as url:
        opa = OpaServer(url, "right", timeout_ms=5000)
        with pytest.raises(EngineFailed, match=message):
            await opa.evaluate({})
        await opa.close()


async def test_an_opa_that_is_down_is_an_error() -> None:
    """Nobody listens: no answer."""
    opa = OpaServer(f"http://127.0.0.1:{free_port()}", "right", timeout_ms=5000)
    with pytest.raises(EngineFailed, match="no answer"):
        await opa.evaluate({})
    await opa.close()


async def test_an_opa_that_is_slow_is_an_error() -> None:
    """An answer past its time is none, however right."""
    body = provenance("right", result={"allow": True})
    async with serving(answering(200, body, wait=3)) as url:
        opa = OpaServer(url, "right", timeout_ms=200)
        with pytest.raises(EngineFailed, match="within 200 ms"):
            await opa.evaluate({})
        await opa.close()


async def test_a_question_is_asked_once() -> None:
    """A failing OPA is not asked again behind the caller's back."""
    asked = 0

    async def handler(_: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=500)

    async with serving(handler) as url:
        opa = OpaServer(url, "right", timeout_ms=5000)
        with pytest.raises(EngineFailed):
            await opa.evaluate({})
        await opa.close()
    assert asked == 1


@pytest.mark.parametrize("url", ["", "127.0.0.1:8181", "ftp://host", "http://host:8181/v1"])
def test_an_address_that_is_no_opa_is_refused(url: str) -> None:
    """A wrong setting is told at the start."""
    with pytest.raises(Invalid):
        OpaServer(url, "right", timeout_ms=1)
