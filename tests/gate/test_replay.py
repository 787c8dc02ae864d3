"""Past decisions before another policy."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.engines.retiring import RetiringEngine
from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet, policy_set
from sekisho.gate.replay import Past, Summary, Turn, replay_all
from sekisho.gate.types import Outcome
from tests.gate.cases import CASES, GOLDEN
from tests.gate.inputs import Json, fixed_policies


def past(name: str) -> Past:
    """A case of the tests as the decision that it was under the tests' policy."""
    kept = json.loads((GOLDEN / f"{name}.json").read_text())
    answer = kept["decision"]
    outcome = Outcome.ALLOW if answer["allow"] else Outcome.DENY
    stage = kept["input"]["stage"]
    return Past(name, "agent/docs-assistant@v2", stage, outcome, tuple(answer["blocking"]), kept["input"])


async def replayed(policies: PolicySet, *pasts: Past) -> Summary:
    engine = RegorusEngine(policies, timeout_ms=20_000)
    try:
        return await replay_all(pasts, Judge(engine))
    finally:
        await engine.close()


@dataclass
class Counting(RetiringEngine):
    """An engine that knows how often it was asked."""

    asked: int = 0

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        self.asked += 1
        return await super().evaluate(document)


def candidate(change: Callable[[Json], object]) -> PolicySet:
    """The tests' policy with another setting at production."""
    policies = fixed_policies()
    data = copy.deepcopy(dict(policies.data))
    change(data["parameters"]["stages"]["production"]["rules"])
    return policy_set({**policies.files, **policies.tests}, data)


ALLOWED, DENIED = "ovs-01-everything-in-order", "ovs-01-no-approval"


async def test_what_cannot_be_judged_is_told_and_is_no_success() -> None:
    """An input of another form, and a policy that gives no verdict, end with exit code 4."""
    broken = replace(fixed_policies(), files={"sekisho/gate.rego": b"package sekisho.gate\n\ndecision := 1\n"})
    for policies, one in ((fixed_policies(), replace(past(ALLOWED), document={})), (broken, past(ALLOWED))):
        summary = await replayed(policies, one)
        assert (summary.turns[Turn.UNJUDGED], summary.exit_code("a reason")) == (1, 4)
        assert summary.listed[0].reason


async def test_every_case_comes_out_the_same_under_the_same_policy() -> None:
    """A replay changes nothing by itself, whatever the input."""
    summary = await replayed(fixed_policies(), *(past(case.name) for case in CASES))
    assert summary.turns == {Turn.SAME: len(CASES)}
    assert summary.exit_code(None) == 0


async def test_a_denial_that_becomes_an_allow_needs_a_reason() -> None:
    """Exit code 1 without one, also for one that is blank; the rule that gave way is named."""
    summary = await replayed(candidate(lambda rules: rules["OVS-01"].update(mode="warn")), past(DENIED), past(ALLOWED))
    assert summary.turns == {Turn.LOOSENED: 1, Turn.SAME: 1}
    assert [(one.past.id, one.rules) for one in summary.listed] == [(DENIED, ("OVS-01",))]
    assert [summary.exit_code(reason) for reason in (None, " ", "approvals are given elsewhere")] == [1, 1, 0]


async def test_an_allow_that_becomes_a_denial_is_listed_by_rule() -> None:
    """A stricter policy is no fault: exit code 0."""
    stricter = candidate(lambda rules: rules["OVS-01"]["parameters"].update(approvals=2))
    summary = await replayed(stricter, past(ALLOWED), past(DENIED))
    assert summary.as_json()["rules"] == {"OVS-01": {"deny to allow": 0, "allow to deny": 1}}
    assert summary.exit_code(None) == 0


@pytest.mark.parametrize(("outcome", "turn"), [(Outcome.ERROR, Turn.NEW), (Outcome.OVERRIDE, Turn.LOOSENED)])
async def test_what_policy_did_not_say_is_not_held_against_it(outcome: Outcome, turn: Turn) -> None:
    """An engine's failure is no denial; an override is one, since policy had denied what was moved."""
    summary = await replayed(fixed_policies(), replace(past(ALLOWED), outcome=outcome))
    assert summary.turns == {turn: 1}


async def test_inputs_that_are_alike_are_judged_once() -> None:
    """Each of three decisions is told, by its own outcome, and the engine is asked for the two inputs that differ."""
    alike, engine = past(ALLOWED), Counting(RegorusEngine(fixed_policies(), timeout_ms=20_000))
    turned = dict(reversed(list(alike.document.items())))
    try:
        summary = await replay_all(
            [alike, replace(alike, id="again", outcome=Outcome.DENY, document=turned), past(DENIED)], Judge(engine)
        )
    finally:
        await engine.close()
    assert (summary.seen, engine.asked) == (3, 2)
    assert [one.past.id for one in summary.listed] == ["again"]
    assert summary.turns == {Turn.SAME: 2, Turn.LOOSENED: 1}
