"""JUnit XML, as a CI server's parser reads it."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from sekisho.evaluation.reports.cases import case_view
from sekisho.evaluation.reports.choosing import by_case
from sekisho.evaluation.reports.junit import WholeJUnit, junit_of
from sekisho.evaluation.reports.shape import Report
from sekisho.evaluation.types import CaseResult, RunState
from tests.evaluation.reports.samples import HOSTILE, LOWER, compared, hostile, report, result, results


def parsed(made: Report) -> Element:
    return ElementTree.fromstring(junit_of(made).encode())  # our own file


def whole(found: list[CaseResult], shown: int = 50) -> Element:
    """The file of every case."""
    made = report(found, shown=shown)
    writing = WholeJUnit(made, {case["case"] for case in made["cases"]})
    cases = "".join(writing.of(case_view(list(repeats), LOWER)) for _, repeats in by_case(found))
    before, after = writing.around()
    return ElementTree.fromstring((before + cases + after).encode())  # our own file


def totals_are_those_of_the_tests(root: Element) -> bool:
    """Of each suite and of the whole file."""
    tags = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for element in (root, *root.iter("testsuite")):
        tests = list(element.iter("testcase"))
        stated = {name: int(element.get(name, "")) for name in (*tags, "tests")}
        counted = {name: sum(test.find(tag) is not None for test in tests) for name, tag in tags.items()}
        if stated != {**counted, "tests": len(tests)}:
            return False
    return True


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
    assert totals_are_those_of_the_tests(root)
    assert root.get("skipped") == "1"


def test_the_whole_file_has_every_case_once() -> None:
    """Also those that are well; of several repeats the worst, as everywhere."""
    found = [*results(5, 30), result("q-000-en", 0.0, repeat=1), result("u", None, f1=0.9)]
    root = whole(found)
    names = [test.get("name") for test in root.findall("testsuite[2]/testcase")]
    assert names == sorted({one.case_id for one in found})
    assert totals_are_those_of_the_tests(root)
    assert (root.get("skipped"), root[1].get("tests")) == ("1", "31")
    assert root.find("testsuite[2]/testcase[@name='q-029-ja']/*") is None
    assert root.find("testsuite[2]/testcase[@name='q-000-en']/failure") is not None
    assert {test.get("name") for test in root.findall("testsuite[1]/testcase")} == {"hallucinated", "token_f1"}


def test_in_the_whole_file_the_worst_are_told_in_full_and_the_others_named() -> None:
    """A failing case beyond those has its scores and no answer, and the file says how many were told."""
    root = whole(results(5), shown=3)
    failures = [test.find("failure") for test in root.findall("testsuite[2]/testcase")]
    told = [failure.text for failure in failures if failure is not None]
    assert sum("1805" in (text or "") for text in told) == 3
    assert len(told) == 10
    assert "of 20 cases the 3 worst" in str(root.findtext("testsuite[2]/system-out"))


def test_a_whole_file_without_cases_is_a_file() -> None:
    """Of a run that has no result yet: the totals say that no case is there."""
    made = report([], state=RunState.RUNNING, summary=None)
    root = ElementTree.fromstring("".join(WholeJUnit(made, set()).around()))  # our own file
    assert totals_are_those_of_the_tests(root)
    assert (root[1].get("tests"), root.get("errors")) == ("0", "1")


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
    """The file says so itself, and how to have them all."""
    made = junit_of(report(shown=3))
    assert "the 3 worst of 20 cases were looked at, 17 were not" in made
    assert "--max-cases" in made


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_leaves_the_file_well_formed(text: str) -> None:
    """And gives a log nothing to obey."""
    made = junit_of(hostile(text))
    writing = WholeJUnit(hostile(text), set())
    made = made.replace("</testsuites>", "".join(map(writing.of, hostile(text)["cases"])) + "</testsuites>")
    ElementTree.fromstring(made.encode())  # our own file
    assert not [line for line in made.splitlines() if line.strip().startswith("::") or "##vso[" in line]
    assert "\x1b" not in made
