"""The rule that docs/policy.md shows is one: in the dialect, in the catalogue, and tested by the test shown with it."""

from __future__ import annotations

import re

import pytest

from sekisho.gate.dialect import lint
from sekisho.gate.governing.linting import faults_of
from sekisho.gate.governing.trial import tried
from sekisho.gate.policies import PolicySet, load_policies, policy_set
from sekisho.gate.rego_tests import run_rego_tests
from tests.docs.reference import ROOT

RULES = "sekisho/rules.rego"
HOME = "sekisho/operations.rego"
FIXTURES = "sekisho/fixtures_test.rego"
EXAMPLE = "sekisho/example_test.rego"
DECLARED = b'\t"OPS-20": {"kinds": {"agent"}, "actions": {"promote"}},\n\t"OPS-02":'


def blocks() -> tuple[bytes, ...]:
    """The page's Rego: a package of a user's own, a rule of Sekisho's, and its test."""
    page = (ROOT / "docs/policy.md").read_text("utf-8")
    return tuple(block.encode() for block in re.findall(r"^```rego\n(.*?)^```", page, re.MULTILINE | re.DOTALL))


async def test_the_package_of_ones_own_may_be_published() -> None:
    """Lint and trial find nothing, and its rule is in the catalogue."""
    shipped = load_policies(ROOT / "policies")
    policies = policy_set({**shipped.files, **shipped.tests, "user/acme.rego": blocks()[0]}, shipped.data)
    assert faults_of(policies, shipped) == ()
    assert (await tried(policies)).failed == ()
    assert "ACM-01" in policies.titles


@pytest.fixture
def policies() -> PolicySet:
    """The shipped policy with the page's rule, and of the tests only the page's."""
    _, rule, test = blocks()
    shipped = load_policies(ROOT / "policies")
    files = {**shipped.files}
    files[HOME] += b"\n" + rule
    files[RULES] = files[RULES].replace(b'\t"OPS-02":', DECLARED)
    tests = {FIXTURES: shipped.tests[FIXTURES], EXAMPLE: b"package sekisho.example_test\n\n" + test}
    return policy_set({**files, **tests}, shipped.data)


def test_it_keeps_to_the_dialect(policies: PolicySet) -> None:
    """The lint finds nothing, in the rule and in its test."""
    assert lint({**policies.files, **policies.tests}) == ()


def test_it_stands_in_the_catalogue(policies: PolicySet) -> None:
    """Its METADATA is whole, and it is declared."""
    assert "OPS-20" in policies.titles


def test_its_test_passes(policies: PolicySet) -> None:
    """A slow agent fails by it."""
    results = run_rego_tests(policies)
    assert [result.rule for result in results] == ["test_ops_20_fails_on_a_slow_agent"]
    assert all(result.passed for result in results), [result.reason for result in results]
