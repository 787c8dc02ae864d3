"""JUnit XML, as a CI server's parser reads it."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from sekisho.evaluation.reports.junit import junit_of
from sekisho.evaluation.reports.shape import Report
from sekisho.evaluation.types import RunState
from tests.evaluation.reports.samples import HOSTILE, compared, hostile, report, result, results


def parsed(made: Report) -> Element:
    return ElementTree.fromstring(junit_of(made).encode())  # our own file


def listed(root: Element, suite: str) -> dict[str, Element]:
    return {
        str(test.get("name")): test
        for found in root.iter("testsuite")
        if str(found.get("name")).endswith(suite)
        for test in found.iter("testcase")
    }


def test_metrics_and_failing_cases_are_tests() -> None:
    """A metric passes where it was measured; a case is listed where it fails, with question and answer."""
    root = parsed(report())
    assert set(listed(root, ": metrics")) == {"hallucinated", "token_f1"}
    assert root.find(".//testsuite[1]//failure") is None
    cases = listed(root, ": cases")
    assert "q-000-en" in cases
    assert "q-019-ja" not in cases
    failure = cases["q-000-en"].find("failure")
    assert failure is not None
    assert failure.text is not None
    assert "What of q-000-en?" in failure.text
    assert "1805" in failure.text


def test_the_totals_are_those_of_the_tests() -> None:
    """Of each suite and of the whole file."""
    found = [*results(5), result("u", None, f1=0.9)]
    root = parsed(report(found))
    for element in (root, *root.iter("testsuite")):
        tests = list(element.iter("testcase"))
        assert int(element.get("tests", "")) == len(tests)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.get(name, "")) == sum(test.find(tag) is not None for test in tests)
    assert root.get("skipped") == "1"


def test_digests_are_properties() -> None:
    """What was measured, by what, with which final digest."""
    properties = {found.get("name"): found.get("value") for found in parsed(report()).iter("property")}
    assert str(properties["run.final_digest"]).startswith("sha256:")
    assert {"run.subject", "run.suite", "run.dataset", "engine.model"} <= set(properties)


def test_a_regression_fails_its_metric_only() -> None:
    """The failure says by how much."""
    metrics = listed(parsed(compared(results(1), results(18))), ": metrics")
    failure = metrics["hallucinated"].find("failure")
    assert failure is not None
    assert "got worse: +85.0 [" in str(failure.get("message"))
    assert metrics["token_f1"].find("failure") is None


@pytest.mark.parametrize("state", [RunState.INCONCLUSIVE, RunState.FAILED, RunState.CANCELLED, RunState.RUNNING])
def test_a_run_without_a_verdict_is_an_error(state: RunState) -> None:
    """What cannot be said does not look passed."""
    root = parsed(report(state=state, reason="why"))
    assert int(root.get("errors", "")) == 2
    root = parsed(report([], state=state, reason="why", summary=None))
    assert int(root.get("errors", "")) == 1


def test_cases_that_were_not_looked_at_are_counted() -> None:
    """The file says so itself."""
    assert "the 3 worst of 20 cases" in junit_of(report(shown=3))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_leaves_the_file_well_formed(text: str) -> None:
    """And gives a log nothing to obey."""
    made = junit_of(hostile(text))
    ElementTree.fromstring(made.encode())  # our own file
    assert not [line for line in made.splitlines() if line.strip().startswith("::") or "##vso[" in line]
    assert "\x1b" not in made
