"""Every rule is reachable from the demo's data by one change, and its remedy, followed literally, mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.gate.policies import load_policies
from sekisho.kernel.trees import tree
from tests.remedies import licence_documentation_oversight_operations as compliance
from tests.remedies import lineage_evaluation_fairness as quality
from tests.remedies.walk import Case, commands_in, opened, walk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CASES = [*quality.CASES, *compliance.CASES]
UNREACHABLE = {**quality.UNREACHABLE, **compliance.UNREACHABLE}
FAMILIES = ("LIN", "EVA", "FAI", "LIC", "DOC", "OVS", "OPS")


def test_every_rule_is_walked_or_says_why_not() -> None:
    """A rule that is added without a walk is noticed, and so is a reason that no rule needs any more."""
    rules = {entry.id for entry in load_policies(tree("policies")).catalog if entry.id.startswith(FAMILIES)}
    walked = {rule for case in CASES for rule in case.rules}
    assert walked | UNREACHABLE.keys() == rules
    assert walked & UNREACHABLE.keys() == set()


def test_commands_are_taken_as_they_stand() -> None:
    """A line that begins with one is one; elsewhere they stand in backticks; && chains; prose is no command."""
    assert commands_in("sekisho index verify index/a@v1") == [["index", "verify", "index/a@v1"]]
    mixed = "see `sekisho run report r1`, mend it, then: `sekisho apply && sekisho eval`"
    assert commands_in(mixed) == [["run", "report", "r1"], ["apply"], ["eval"]]
    assert commands_in("report this: the closure is another's") == []


async def test_the_demo_as_it_is_mended_is_allowed(demo: Path) -> None:
    """Without a change nothing stands in the way: what a walk shows is its one change."""
    async with opened(demo) as scene:
        decision = await scene.ask("production")
    assert decision["outcome"] == "allow", decision["blocking"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_remedy_mends_it(demo: Path, case: Case) -> None:
    """One change denies, the remedies' own commands mend."""
    async with opened(demo, case.policy) as scene:
        await walk(scene, case)
