"""The policy's margins, as those who compare are told them."""

from __future__ import annotations

import pytest

from sekisho.gate.margins import PolicyMargins
from sekisho.gate.policies import load_policies
from sekisho.kernel.errors import Invalid
from sekisho.kernel.trees import tree


def test_a_stage_that_there_is_not_is_refused() -> None:
    """Naming the stages there are."""
    with pytest.raises(Invalid) as refusal:
        PolicyMargins(load_policies(tree("policies")).parameters).of("default/agent/docs-assistant", "moon", "sha256:0")
    assert "production" in refusal.value.fields[0].message


def test_margins_are_told_of_the_suite_that_policy_pins() -> None:
    """By its digest; another suite, even of the same name, has none."""
    parameters = load_policies(tree("policies")).parameters
    requirement = next(one for one in parameters.requirements if "production" in one.stages and one.margins)
    margin = requirement.margins[0]
    path = requirement.subjects[0].replace("*", "x")
    found = PolicyMargins(parameters).of(path, "production", parameters.suites[margin.suite].suite)
    assert found[margin.metric] <= margin.margin_bp
    assert PolicyMargins(parameters).of(path, "production", "sha256:" + "0" * 64) == {}
