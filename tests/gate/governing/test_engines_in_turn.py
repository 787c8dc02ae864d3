"""Engines that take turns: several on one policy, and one that makes room for its successor."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sekisho.cli.policy_folders import write_policy
from sekisho.gate.checking import check_policies, opa_test_faults
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.engines.retiring import RetiringEngine
from sekisho.gate.engines.several import several
from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet, load_policies
from sekisho.gate.replay import Past, Turn, replay_all
from sekisho.gate.types import Outcome
from tests.conftest import service_url
from tests.gate.cases import GOLDEN
from tests.gate.governing.policies import TEST, acme
from tests.gate.inputs import shipped_policies
from tests.gate.world import answer

ANSWERED = "checks contains data.sekisho.report.check({}, 'm', 'o', 'w', 'r')\n"


@dataclass
class Held:
    """An engine that answers once it is let go, and remembers that it was closed."""

    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    closings: int = 0
    name: str = "held"
    version: str = "1"
    policy_digest: str = "sha256:0"

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        self.asked += 1
        await self.let_go.wait()
        return {"closings": self.closings}

    async def check(self) -> None:
        await self.evaluate({})

    async def close(self) -> None:
        self.closings += 1


async def test_an_engine_retires_once_nothing_is_under_way() -> None:
    """What was asked before is answered by it, and what is asked after all is too."""
    held = Held()
    engine = RetiringEngine(held)
    answers = [asyncio.create_task(engine.evaluate({})) for _ in range(2)]
    await asyncio.sleep(0)
    await engine.retire()
    seen = [held.closings]
    held.let_go.set()
    assert await asyncio.gather(*answers) == [{"closings": 0}] * 2
    seen.append(held.closings)
    await engine.check()
    assert [*seen, held.closings] == [0, 1, 2]


async def test_several_engines_are_asked_at_once() -> None:
    """Each has one input at a time, and none is idle while something waits."""
    made: list[Held] = []

    def make() -> Held:
        made.append(Held())
        return made[-1]

    engines = several(make, 3)
    answers = [asyncio.create_task(engines.evaluate({})) for _ in range(7)]
    await asyncio.sleep(0.01)
    assert [one.asked for one in made] == [1, 1, 1]
    for one in made:
        one.let_go.set()
    await asyncio.gather(*answers)
    assert sum(one.asked for one in made) == 7
    await engines.close()
    assert [one.closings for one in made] == [1, 1, 1]


@dataclass
class Hurrying:
    """An engine that takes less time each time it is asked, and allows."""

    asked: int = 0
    at_once: int = 0
    most: int = 0
    name: str = "hurrying"
    version: str = "1"
    policy_digest: str = "sha256:0"

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        self.asked, self.at_once = self.asked + 1, self.at_once + 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.01 / self.asked)
        self.at_once -= 1
        return answer()

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None


async def test_a_replay_keeps_the_order_of_what_is_under_way_together() -> None:
    """However long each takes; and no more than told are under way."""
    document = json.loads((GOLDEN / "ovs-01-everything-in-order.json").read_text())["input"]
    inputs = [{**document, "now": document["now"] + number} for number in range(9)]
    pasts = [Past(f"{number}", "agent/docs@v1", "dev", Outcome.ERROR, (), one) for number, one in enumerate(inputs)]
    engine = Hurrying()
    summary = await replay_all(iter(pasts), Judge(engine), at_once=3)
    assert [one.past.id for one in summary.listed] == [past.id for past in pasts]
    assert (summary.turns, engine.most) == ({Turn.NEW: 9}, 3)


@pytest.mark.parametrize("status", ["passed", "failed", "inconclusive", "missing", "nonsense"])
async def test_no_users_rule_weakens_a_built_in_one(status: str) -> None:
    """Whatever it finds, everything that blocked without it blocks with it, and built-in findings are the same."""
    policies = acme(ANSWERED.replace("'", '"').replace("{}", f'"{status}"'), test=TEST)
    with_it = several(lambda: RegorusEngine(policies, timeout_ms=20_000))
    without = several(lambda: RegorusEngine(shipped_policies(), timeout_ms=20_000))
    try:
        for path in sorted(GOLDEN.glob("*.json"))[::8]:
            document = json.loads(path.read_text())["input"]
            found: Any = await with_it.evaluate(document)
            known: Any = await without.evaluate(document)
            assert set(found["blocking"]) >= set(known["blocking"])
            assert {rule: told for rule, told in found["rules"].items() if rule != "ACM-01"} == known["rules"]
            assert not found["allow"] or known["allow"]
    finally:
        await with_it.close()
        await without.close()


def written(folder: Path, policies: PolicySet) -> Path:
    write_policy(folder, policies.content)
    return folder


def test_the_real_opa_takes_a_users_package(tmp_path: Path) -> None:
    """It compiles there strictly, and the package's own test passes, with what reading adds."""
    service_url("SEKISHO_TEST_OPA_URL")
    binary = os.environ["SEKISHO_TEST_OPA_BINARY"]
    folder = written(tmp_path / "policy", acme())
    assert list(opa_test_faults(folder, load_policies(folder), binary)) == []
    assert list(check_policies(folder, binary)) == []
    (folder / "user" / "acme_test.rego").write_text(TEST.replace('"passed"', '"failed"'))
    assert "test_a_long_name_passes" in "".join(opa_test_faults(folder, load_policies(folder), binary))
