"""Whatever is wrong with evidence, input or engine: nothing moves, the reason is told, the ledger has it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sekisho.gate.bench import Bench
from sekisho.gate.bundle import build_bundle, bundle_signer
from sekisho.gate.engines.opa_server import OpaServer
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet
from sekisho.gate.schemas import read_input
from sekisho.gate.service import Promoted
from sekisho.gate.types import Outcome
from sekisho.identity.types import Role
from sekisho.kernel.errors import Invalid
from sekisho.ledger.signing import Signer, load_or_create_signer
from sekisho.ledger.types import DECISION_MADE
from tests.conftest import service_url
from tests.gate.cases import CASES
from tests.gate.inputs import digest, fixed_policies, promotion
from tests.gate.opa import BundleHost, free_port, opa_config, opa_process, ready, serving
from tests.gate.world import SetBenches, World, exactly

BY_CASE: dict[str, tuple[str, str, str]] = {
    "removed": ("eva-01-suite-not-run", "EVA-01", "missing"),
    "a metric removed": ("eva-04-metric-not-measured", "EVA-04", "missing"),
    "a group removed": ("fai-01-group-not-measured", "FAI-01", "missing"),
    "a card removed": ("doc-01-no-card", "DOC-01", "missing"),
    "an approval removed": ("ovs-01-no-approval", "OVS-01", "missing"),
    "stale": ("eva-02-stale-run", "EVA-02", "failed"),
    "from the future": ("eva-02-run-from-the-future", "EVA-02", "failed"),
    "for another digest": ("eva-01-run-of-another-version", "EVA-01", "missing"),
    "of an easier dataset": ("eva-01-easier-dataset", "EVA-01", "missing"),
    "of the wrong origin": ("eva-01-imported-where-measured-counts", "EVA-01", "missing"),
    "imported by a stranger": ("eva-01-imported-by-a-stranger", "EVA-01", "missing"),
    "below the minimum n": ("eva-03-too-few-cases", "EVA-03", "failed"),
    "with unscored cases": ("eva-03-unscored-cases", "EVA-03", "failed"),
    "approved by the author himself": ("ovs-01-approved-by-the-author", "OVS-01", "failed"),
    "approved on other evidence": ("ovs-01-approved-on-other-evidence", "OVS-01", "missing"),
    "waived by somebody involved": ("doc-01-waiver-by-somebody-involved", "DOC-01", "missing"),
}
"""Fault of the evidence → the tests' case that has it, the rule that sees it, and what the rule finds."""


def of_another_suite_version() -> dict[str, Any]:
    """The runs are sound, and of suites that policy does not pin."""
    document = promotion()
    for number, run in enumerate(document["evidence"]["runs"]):
        run["suite"] = digest(str(number + 1))
    return document


@dataclass
class AskedThis:
    """The real engine, which is asked about this document whatever the gate has assembled."""

    engine: PolicyEngine
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def version(self) -> str:
        return self.engine.version

    @property
    def policy_digest(self) -> str:
        return self.engine.policy_digest

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        return await self.engine.evaluate(self.document)

    async def check(self) -> None:
        await self.engine.check()

    async def close(self) -> None:
        await self.engine.close()


async def promoted(world: World, engine: PolicyEngine) -> Promoted:
    """Ask for an agent's promotion with this engine deciding; whatever comes of it is recorded."""
    author = world.people.get("ada") or await world.person("ada", Role.AUTHOR)
    version = await world.agent(author)
    benches = SetBenches(Bench(fixed_policies(), Judge(engine)))
    return await replace(world.gate, benches=benches).promote(author, exactly(version), "dev")


async def recorded(world: World, made: Promoted) -> bool:
    """Whether the ledger has this decision with this outcome, and no stage serves the version."""
    assert made.decision.ledger_seq is not None
    entry = await world.ledger.entry(world.admin, made.decision.ledger_seq)
    told = (entry.kind, entry.body["decision"], entry.body["outcome"])
    return told == (DECISION_MADE, made.decision.id, made.decision.outcome.value) and await world.serves("dev") is None


async def test_no_fault_of_the_evidence_moves_a_stage(world: World) -> None:
    """Each is denied by the rule that is there for it, with its reason and its remedy, in the ledger too."""
    by_name = {case.name: case for case in CASES}
    engine = RegorusEngine(fixed_policies(), 20_000)
    wrong: list[tuple[str, object]] = []
    for fault, (name, rule, status) in BY_CASE.items():
        made = await promoted(world, AskedThis(engine, by_name[name].document))
        finding = made.decision.rules.get(rule, {})
        seen = (made.applied, made.decision.outcome, rule in made.decision.blocking, finding.get("status"))
        if seen != (False, Outcome.DENY, True, status) or not finding["message"] or not finding["remedy"]:
            wrong.append((fault, seen))
        elif not await recorded(world, made):
            wrong.append((fault, "not in the ledger"))
    made = await promoted(world, AskedThis(engine, of_another_suite_version()))
    assert ("EVA-01" in made.decision.blocking, await recorded(world, made)) == (True, True)
    await engine.close()
    assert wrong == []


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        holder: Any = document
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = value

    return change


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


BAD: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a float": (put("now", value=1.5), "$.now"),
    "a whole float": (put("now", value=1e21), "$.now"),
    "a null": (put("current", value=None), "$.current"),
    "a huge integer": (put("now", value=2**53), "$.now"),
    "an integer past 64 bits": (put("now", value=2**70), "$.now"),
    "a negative time": (put("now", value=-1), "$.now"),
    "NUL in a digest": (put("subject", "digest", value="sha256:\x00" + "0" * 63), "$.subject.digest"),
    "deep nesting": (put("approvals", value=nested(500)), "$.approvals[0]"),
    "a field nobody knows": (put("allow", value=True), "$"),
    "a text of ten megabytes": (put("project", value="x" * 10_000_000), "$.project"),
}


@pytest.mark.parametrize("what", BAD)
def test_an_input_that_is_none_reaches_no_engine(what: str) -> None:
    """It is refused with the path of the offending field before any engine is asked."""
    change, path = BAD[what]
    document = promotion()
    change(document)
    with pytest.raises(Invalid) as refused:
        read_input(document)
    assert refused.value.fields[0].path == path


def ten_megabytes() -> dict[str, Any]:
    """Of the right form, and denied for one reason: nodes that no rule finds registered."""
    document = promotion()
    root = document["lineage"]["root"]
    document["lineage"]["edges"][root] += [f"sha256:{number:064x}" for number in range(135_000)]
    return document


@asynccontextmanager
async def running(
    binary: str, policies: PolicySet, signer: Signer, folder: Path
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A real OPA that has pulled this policy; its address and its process."""
    async with (
        serving(BundleHost(build_bundle(policies, signer))) as host,
        opa_process(binary, opa_config(host, signer.public), folder) as (url, process),
    ):
        await ready(url)
        yield url, process


@pytest.fixture(params=["regorus", "opa"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PolicyEngine]:
    """Each engine under the tests' policy, with patience for a busy machine."""
    policies = fixed_policies()
    if request.param == "regorus":
        regorus = RegorusEngine(policies, 120_000)
        yield regorus
        await regorus.close()
        return
    binary, signer = service_url("SEKISHO_TEST_OPA_BINARY"), signer_of(tmp_path)
    async with running(binary, policies, signer, tmp_path) as (url, _):
        opa = OpaServer(url, policies.digest, 120_000)
        yield opa
        await opa.close()


async def test_ten_megabytes_of_input_get_an_answer_that_denies(engine: PolicyEngine) -> None:
    """Neither engine allows, hangs or dies over it; the next question is answered as ever."""
    large = read_input(ten_megabytes())
    judgement = await Judge(engine).judge(large)
    assert judgement.outcome in (Outcome.DENY, Outcome.ERROR)
    assert judgement.answer is None or "LIN-02" in judgement.answer["blocking"]
    assert (await Judge(engine).judge(read_input(promotion()))).outcome is Outcome.ALLOW


SLOW = """package sekisho.gate

decision := {"allow": false} if input == {}

decision := {"allow": true} if {
	input != {}
	count({x | some a in numbers.range(1, 20000); some b in numbers.range(1, 20000); x := a * b}) > 0
}
"""


def slow_policies() -> PolicySet:
    """A policy that thinks about every real input for minutes, and would allow it."""
    return replace(fixed_policies(), files={"sekisho/gate.rego": SLOW.encode()})


def signer_of(folder: Path) -> Signer:
    return bundle_signer(load_or_create_signer(folder / "signing.pem"), folder / "bundle.pem")


async def busy(pid: int) -> None:
    """Wait until this process has worked for a quarter of a second more: it is in the middle of the decision."""
    begun = worked(pid)
    async with asyncio.timeout(60):
        while worked(pid) - begun < 0.25:
            await asyncio.sleep(0.02)


def worked(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_a_child_killed_in_mid_decision_moves_nothing(world: World) -> None:
    """SIGKILL while it thinks: an error with its reason, in the ledger; a new child decides the next question."""
    engine = RegorusEngine(slow_policies(), 120_000)
    await engine.check()
    assert engine._child is not None
    asking = asyncio.create_task(promoted(world, engine))
    await busy(engine._child.pid)
    os.kill(engine._child.pid, signal.SIGKILL)
    made = await asking
    assert (made.applied, made.decision.outcome) == (False, Outcome.ERROR)
    assert "died" in str(made.decision.error)
    assert await recorded(world, made)
    await engine.check()
    await engine.close()


async def test_a_child_that_hangs_moves_nothing(world: World) -> None:
    """Stopped rather than dead: its time runs out, it is killed, and the decision is an error."""
    engine = RegorusEngine(fixed_policies(), 1_000)
    await engine.check()
    assert engine._child is not None
    stopped = engine._child
    os.kill(stopped.pid, signal.SIGSTOP)
    made = await promoted(world, engine)
    assert (made.applied, made.decision.outcome) == (False, Outcome.ERROR)
    assert "within 1000 ms" in str(made.decision.error)
    assert stopped.returncode == -signal.SIGKILL
    assert await recorded(world, made)
    await engine.close()


async def test_an_opa_killed_in_mid_decision_moves_nothing(world: World, tmp_path: Path) -> None:
    """SIGKILL of the server while it thinks: an error; once it is back it decides again."""
    binary, port = service_url("SEKISHO_TEST_OPA_BINARY"), free_port()
    signer, policies = signer_of(tmp_path), slow_policies()
    async with serving(BundleHost(build_bundle(policies, signer))) as host:
        config = opa_config(host, signer.public)
        async with opa_process(binary, config, tmp_path, port) as (url, process):
            await ready(url)
            engine = OpaServer(url, policies.digest, 120_000)
            await engine.check()
            asking = asyncio.create_task(promoted(world, engine))
            await busy(process.pid)
            process.kill()
            made = await asking
        assert (made.applied, made.decision.outcome) == (False, Outcome.ERROR)
        assert "gave no answer" in str(made.decision.error)
        assert await recorded(world, made)
        async with opa_process(binary, config, tmp_path, port) as (url, _):
            await ready(url)
            await engine.check()
            await engine.close()


async def test_an_opa_that_hangs_moves_nothing(world: World, tmp_path: Path) -> None:
    """Stopped rather than dead: its time runs out, and the decision is an error; it answers when it goes on."""
    binary, signer, policies = service_url("SEKISHO_TEST_OPA_BINARY"), signer_of(tmp_path), fixed_policies()
    async with running(binary, policies, signer, tmp_path) as (url, process):
        engine = OpaServer(url, policies.digest, 1_000)
        process.send_signal(signal.SIGSTOP)
        made = await promoted(world, engine)
        assert (made.applied, made.decision.outcome) == (False, Outcome.ERROR)
        assert "within 1000 ms" in str(made.decision.error)
        assert await recorded(world, made)
        await engine.close()
        process.send_signal(signal.SIGCONT)
        again = OpaServer(url, policies.digest, 120_000)
        await again.check()
        await again.close()
