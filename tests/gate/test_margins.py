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
        PolicyMargins(load_policies(tree("policies")).parameters).of("default/agent/docs-assistant", "moon")
    assert "production" in refusal.value.fields[0].message


def test_margins_are_told_of_the_suite_that_policy_pins() -> None:
    """By its digest; of several margins about one metric the strictest."""
    parameters = load_policies(tree("policies")).parameters
    requirement = next(one for one in parameters.requirements if "production" in one.stages and one.margins)
    margin = requirement.margins[0]
    path = requirement.subjects[0].replace("*", "x")
    found = PolicyMargins(parameters).of(path, "production")
    assert found[parameters.suites[margin.suite].suite][margin.metric] <= margin.margin_bp
    assert set(found) <= {pin.suite for pin in parameters.suites.values()}
    assert PolicyMargins(parameters).of("nobody/agent/else", "dev") == {}
