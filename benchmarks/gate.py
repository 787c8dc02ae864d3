"""What a decision costs on each engine, beside the same question put to the bare engine.

Ours checks the input's shape, puts the question to another process and checks the answer; the bare call only has the
engine evaluate bytes that are ready. Both are asked in turn, so that a busy moment meets both.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import regorus
from tests.gate.inputs import changed, fixed_policies, metric, run
from tests.gate.opa import BundleHost, opa_pulling, ready, serving

from benchmarks.figures import Figure, median_ms, percentile
from benchmarks.server import scratch
from sekisho.gate.bundle import build_bundle, bundle_signer
from sekisho.gate.engines.opa_server import OpaServer
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet
from sekisho.gate.schemas import read_input
from sekisho.gate.types import Outcome
from sekisho.ledger.signing import load_or_create_signer

TITLE: Final = "One gate decision"
LIMIT_S: Final = 90
BYTES: Final = 50_000
WARM_UP: Final = 10
ROUNDS: Final = 100
TIMEOUT_MS: Final = 20_000
RULE: Final = "data.sekisho.gate.decision"
SERVICES: Final = Path(__file__).parents[1] / ".services" / "env"

Call = Callable[[], Awaitable[object]]


def measure() -> Iterator[Figure]:
    document = grown()
    size = f"{len(json.dumps(document, separators=(',', ':'))) / 1000:.0f} KB"
    policies = fixed_policies()
    yield from asyncio.run(with_regorus(policies, document, size))
    binary = opa_binary()
    if binary:
        yield from asyncio.run(with_opa(binary, policies, document, size))
    else:
        yield Figure("OPA server", "not measured", "`make services` builds one")


def grown() -> dict[str, Any]:
    """The tests' passing promotion, with runs of more suites and values of more slices up to the size wanted."""
    document = changed()
    runs: list[dict[str, Any]] = document["evidence"]["runs"]
    while len(json.dumps(document, separators=(",", ":"))) < BYTES:
        number = len(runs)
        suite, dataset = (f"sha256:{number:064x}", f"sha256:{number + 1000:064x}")
        measured = metric(7000)
        values = measured["slices"]["language"]
        measured["slices"]["topic"] = {f"topic-{n:02}": values["en"] for n in range(10)}
        runs.append(run(suite, dataset, f"further-{number}", {"recall@5": measured}))
    return document


async def with_regorus(policies: PolicySet, document: dict[str, Any], size: str) -> list[Figure]:
    engine: Any = regorus.Engine()
    for path, content in policies.files.items():
        engine.add_policy(path, content.decode())
    engine.add_data_json(json.dumps(policies.data))
    ready_made = json.dumps(document, separators=(",", ":"))

    async def bare() -> object:
        query = engine.clone()
        query.set_input_json(ready_made)
        return json.loads(query.eval_rule_as_json(RULE))

    ours = RegorusEngine(policies, TIMEOUT_MS)
    try:
        return await compared("regorus (child process)", size, ours, document, bare, "regorus in this process")
    finally:
        await ours.close()


async def with_opa(binary: str, policies: PolicySet, document: dict[str, Any], size: str) -> list[Figure]:
    body = json.dumps({"input": document}, separators=(",", ":")).encode()
    async with opa(binary, policies) as url, aiohttp.ClientSession() as session:

        async def bare() -> object:
            async with session.post(f"{url}/v1/data/sekisho/gate/decision", data=body) as response:
                return (await response.json())["result"]

        ours = OpaServer(url, policies.digest, TIMEOUT_MS)
        try:
            return await compared("OPA server", size, ours, document, bare, "bare POST to OPA")
        finally:
            await ours.close()


@asynccontextmanager
async def opa(binary: str, policies: PolicySet) -> AsyncIterator[str]:
    """A real OPA that has pulled this policy's bundle."""
    with scratch() as folder:
        signer = bundle_signer(load_or_create_signer(folder / "signing.pem"), folder / "bundle.pem")
        host = BundleHost(build_bundle(policies, signer))
        async with serving(host) as host_url, opa_pulling(binary, host_url, signer.public, folder) as url:
            await ready(url)
            yield url


async def compared(
    what: str, size: str, engine: PolicyEngine, document: dict[str, Any], bare: Call, beside: str
) -> list[Figure]:
    """Raises RuntimeError where our decision is not the allow that the input deserves."""
    judge, gate_input = Judge(engine), read_input(document)
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(WARM_UP + ROUNDS):
        start = time.perf_counter()
        judgement = await judge.judge(gate_input)
        middle = time.perf_counter()
        await bare()
        end = time.perf_counter()
        if judgement.outcome is not Outcome.ALLOW:
            raise RuntimeError(f"{what} decided {judgement.outcome}: {judgement.error}")
        if number >= WARM_UP:
            ours.append(middle - start)
            theirs.append(end - middle)
    value = f"{median_ms(ours):.1f} ms, p99 {percentile(ours, 0.99) * 1000:.1f} ms"
    ratio = f"{median_ms(ours) / median_ms(theirs):.2f} × as long"
    return [Figure(f"{what}, {size} of input", value, f"{beside}: {median_ms(theirs):.1f} ms", ratio)]


def opa_binary() -> str:
    """The OPA that the tests use; empty where there is none."""
    found = os.environ.get("SEKISHO_TEST_OPA_BINARY", "")
    lines = SERVICES.read_text().splitlines() if SERVICES.is_file() else []
    written = dict(line.partition("=")[::2] for line in lines)
    path = found or written.get("SEKISHO_TEST_OPA_BINARY", "")
    return path if Path(path).is_file() else ""
