"""What may be undefined under `not` is refused, since the engines differ on it; where they agree it passes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import regorus

from sekisho.gate.dialect import lint
from tests.conftest import service_url

HEAD = """package user.acme

import rego.v1

same(x) := x
above(x) if x > 0
undefined_one if false
defined_one := 1
names contains "a"
default fallen := 2
fallen := 3 if false
"""
INPUT = {"lineage": {"nodes": {}}, "now": 5, "approvals": [{"kind": "prompt"}], "words": ["a"]}

DIFFERING = (
    "not input.current >= 0",
    "not input.current != 0",
    "not input.current.n > 0",
    "not input.current in [1, 2]",
    "not 1 in input.current",
    "not input.current + 1 == 2",
    "not count(input.current) == 0",
    "not startswith(input.current, `x`)",
    "not same(input.current)",
    "not above(input.current)",
    "not above(same(input.current))",
    "not input.now >= input.current",
    "not input.approvals[9] != 1",
    "not input.approvals[input.current] == 0",
    "not undefined_one >= 1",
    "not {1} & input.current == set()",
    "not [input.current] == [1]",
    "not max([]) >= 0",
    "not (input.current >= 0)",
    "not is_number(input.current)",
    "not object.get(input.current, `x`, 1) == 1",
    "some one in input.approvals; not one.risk_class in {`high`}",
    "some one in input.approvals; not one.facts.risk_class\n\t>= 2",
    "not data.user.acme.undefined_one >= 1",
)
AGREEING = (
    "not input.current",
    "not input.current.n",
    "not ((input.current))",
    "not input.current == 0",
    "not input.approvals[9]",
    "not input.approvals[9].x",
    "not input.current.n == input.now",
    "not input.now >= 9",
    "not object.get(input, `current`, 0) >= 1",
    "not object.get(input, [`current`, `n`], 0) in {1, 2}",
    "not undefined_one",
    "not defined_one >= 9",
    "not `b` in names",
    "not fallen >= 9",
    "not same(3) == 4",
    "not {x | some x in input.current} == {1}",
    "not count([x | some x in input.current; x >= 0]) >= 1",
    "some one in input.approvals; not one.kind in {`agent`}",
    "n := object.get(input, `current`, 0); not n >= 1",
    "not above(input.now) with input.now as 0",
)


def module(bodies: tuple[str, ...]) -> str:
    rules = [f"rule_{place} if {{ {body.replace('`', chr(34))} }}\n" for place, body in enumerate(bodies)]
    return "\n".join([HEAD, *rules])


def findings(body: str) -> list[str]:
    return [found.message for found in lint({"user/acme.rego": module((body,)).encode()})]


@pytest.mark.parametrize("body", DIFFERING)
def test_what_may_be_undefined_under_not_is_refused(body: str) -> None:
    """By its name, with what to write instead."""
    found = findings(body)
    assert found
    assert all("may be undefined" in one and "object.get" in one for one in found)


@pytest.mark.parametrize("body", AGREEING)
def test_what_the_engines_agree_on_passes(body: str) -> None:
    """Plain paths, equalities of them, what was bound before, and what cannot be undefined."""
    assert findings(body) == []


def holding(bodies: tuple[str, ...], folder: Path) -> tuple[set[str], set[str]]:
    """Which of the bodies hold on regorus, and which on the real OPA."""
    binary = service_url("SEKISHO_TEST_OPA_BINARY")
    text, file, given = module(bodies), folder / "acme.rego", folder / "input.json"
    file.write_text(text)
    given.write_text(json.dumps(INPUT))
    engine = regorus.Engine()
    engine.add_policy("acme.rego", text)
    engine.set_input_json(json.dumps(INPUT))
    ours = {body for place, body in enumerate(bodies) if engine.eval_rule_as_json(_rule(place)) == "true"}
    command = [binary, "eval", "--format", "raw", "-d", str(file), "-i", str(given), "data.user.acme"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return ours, {body for place, body in enumerate(bodies) if f"rule_{place}" in said}


def _rule(place: int) -> str:
    return f"data.user.acme.rule_{place}"


def test_the_engines_do_differ_there(tmp_path: Path) -> None:
    """regorus holds each of them to be so and the real OPA none: should one of them change, the lint may too."""
    ours, theirs = holding(DIFFERING, tmp_path)
    assert (ours, theirs) == (set(DIFFERING), set())


def test_the_engines_agree_where_the_lint_does(tmp_path: Path) -> None:
    """Each that passes is so on both."""
    ours, theirs = holding(AGREEING, tmp_path)
    assert ours == theirs == set(AGREEING)


def test_an_object_is_not_taken_apart() -> None:
    """regorus takes the fields that it finds, where OPA wants all of them."""
    assert any("on the left of :=" in found for found in findings("{`now`: x} := input; x > 0"))
