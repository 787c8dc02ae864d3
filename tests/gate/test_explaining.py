"""A decision told: in words, and for a test report, code scanning, a build log and a pull request."""

from __future__ import annotations

import json
import re
from xml.etree.ElementTree import Element, fromstring

import pytest

from sekisho.gate.explaining.formats import Format, format_of, rendered
from sekisho.gate.explaining.text import explain_text
from sekisho.kernel.errors import Invalid
from tests.gate.cases import GOLDEN
from tests.gate.inputs import Json

HOSTILE = "]]>\n::error::all is well\n@everyone <img src=x> [pay](http://evil.example) `x` ``` {0} \x1b[2J 100 %, a: b"


def told(case: str) -> Json:
    """A kept decision in the shape that the API gives."""
    kept = json.loads((GOLDEN / f"{case}.json").read_text())
    answer, subject = kept["decision"], kept["input"]["subject"]
    rules = [
        {"id": rule, "title": "", "blocking": rule in answer["blocking"], **found}
        for rule, found in answer["rules"].items()
    ]
    return {
        "id": "decision-1",
        "outcome": "allow" if answer["allow"] else "deny",
        "action": kept["input"]["action"],
        "subject": f"{subject['kind']}/{subject['name']}",
        "number": subject["number"],
        "digest": subject["digest"],
        "stage": kept["input"]["stage"],
        "policy_digest": subject["digest"],
        "engine": "regorus",
        "rules": rules,
    }


def test_a_denial_shows_what_was_tried() -> None:
    """Of a suite that was cancelled too often, each try stands under the rule that blocks."""
    text = explain_text(told("eva-01-cancelled-too-often"))
    assert "✗ EVA-01" in text
    assert "· run run-stopped-3 of suite/docs-answers was cancelled after 0 of 300 results: it does not count" in text


def test_an_allow_shows_what_was_tried_where_every_rule_is_asked_for() -> None:
    """Passed rules are counted; with their details where asked."""
    listed = "run run-stopped-1 of suite/docs-answers was cancelled after 12 of 300 results: it does not count"
    decision = told("eva-01-cancelled-runs-are-listed")
    assert listed not in explain_text(decision)
    assert listed in explain_text(decision, every_rule=True)


def test_an_imported_run_is_told_why_it_does_not_count() -> None:
    """The reason names the origin and the stage."""
    text = explain_text(told("eva-01-imported-where-measured-counts"))
    assert "it is imported, and production counts measured runs only" in text


def changed(decision: Json, rule: str, **fields: object) -> Json:
    """The decision with other fields of one rule."""
    found = next(one for one in decision["rules"] if one["id"] == rule)
    found.update(fields)
    return decision


def without_verdict() -> Json:
    """What is told where the engine was down."""
    decision = {**told("ovs-01-everything-in-order"), "outcome": "error", "rules": []}
    return {**decision, "error": f"OPA is down {HOSTILE}"}


def waived() -> Json:
    """An allow with a waiver and a warning in it."""
    decision = told("ovs-01-everything-in-order")
    changed(decision, "LIC-01", status="failed", waived=True, message="the licence is not allowed")
    return changed(decision, "DOC-01", status="missing", mode="warn", message="there is no card")


def parsed(decision: Json) -> Element:
    return fromstring(rendered(decision, Format.JUNIT).encode())


def test_an_unknown_format_is_refused() -> None:
    """The formats are named."""
    with pytest.raises(Invalid, match="not told in this format"):
        format_of("pdf")


@pytest.mark.parametrize("form", Format)
def test_every_format_tells_the_outcome_and_what_blocks(form: Format) -> None:
    """A reader of any one of them learns that it is denied, by which rule, and what to do."""
    text = rendered(told("ovs-01-no-approval"), form)
    assert "OVS-01" in text
    assert "sekisho approve" in text
    assert re.search("DENIED|deny", text)


@pytest.mark.parametrize("form", Format)
def test_every_format_tells_that_there_is_no_verdict(form: Format) -> None:
    """An engine that is down is in each of them, and in none of them a success."""
    assert "OPA is down" in rendered(without_verdict(), form)


def test_junit_has_a_test_for_every_rule() -> None:
    """A failure where a rule failed, an error where its evidence is missing; the counts are those of the tests."""
    failed, missing = parsed(told("fai-02-gap-between-languages")), parsed(told("ovs-01-no-approval"))
    rules = {one["id"] for one in told("ovs-01-no-approval")["rules"]}
    assert {str(test.get("name"))[:6] for test in missing.iter("testcase")} == rules
    assert [str(test.get("name"))[:6] for test in failed.iter("testcase") if test.find("failure") is not None] == [
        "FAI-02",
        "FAI-06",
    ]
    assert [str(test.get("name"))[:6] for test in missing.iter("testcase") if test.find("error") is not None] == [
        "OVS-01"
    ]
    assert (missing.get("tests"), missing.get("failures"), missing.get("errors")) == (str(len(rules)), "0", "1")


def test_junit_is_green_exactly_where_the_gate_allows() -> None:
    """Waived rules are skipped and warnings pass; a decision without verdict is red though it has no rule."""
    allowed, none = parsed(waived()), parsed(without_verdict())
    assert (allowed.get("failures"), allowed.get("errors")) == ("0", "0")
    skipped = [str(skip.get("message")) for skip in allowed.iter("skipped")]
    assert "waived: the licence is not allowed" in skipped
    assert any("warns only: there is no card" in str(out.text) for out in allowed.iter("system-out"))
    assert (none.get("tests"), none.get("errors")) == ("1", "1")


def test_sarif_has_a_result_for_every_rule() -> None:
    """What blocks is an error, a warning a warning, a waived finding suppressed; the rest has no level (3.27.10)."""
    decision = waived()
    run = json.loads(rendered(decision, Format.SARIF))["runs"][0]
    results = {result["ruleId"]: result for result in run["results"]}
    assert list(results) == [one["id"] for one in decision["rules"]]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert results["LIC-01"]["suppressions"][0]["status"] == "accepted"
    assert (results["DOC-01"]["level"], "suppressions" in results["DOC-01"]) == ("warning", False)
    assert all(result["level"] == "none" for result in run["results"] if result["kind"] != "fail")
    assert not [result for result in run["results"] if result["level"] == "error"]
    assert len({result["partialFingerprints"]["sekishoRule/v1"] for result in run["results"]}) == len(results)
    denied = json.loads(rendered(told("ovs-01-no-approval"), Format.SARIF))["runs"][0]
    assert [result["ruleId"] for result in denied["results"] if result["level"] == "error"] == ["OVS-01"]


def test_sarif_without_a_verdict_is_a_run_that_failed() -> None:
    """Code scanning does not take it for a run that found nothing."""
    (invocation,) = json.loads(rendered(without_verdict(), Format.SARIF))["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "OPA is down" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_annotations_are_an_error_for_each_blocking_rule() -> None:
    """A warning is a warning, a waived rule a notice, and a denial at least one error."""
    commands = [line.split(" ")[0] for line in rendered(waived(), Format.GITHUB).splitlines() if line.startswith("::")]
    assert sorted(commands) == ["::notice", "::warning"]
    denied = rendered(told("ovs-01-no-approval"), Format.GITHUB)
    assert len(re.findall("^::error title=OVS-01", denied, re.MULTILINE)) == 1


def test_what_others_wrote_does_nothing_in_a_build_log() -> None:
    """A text with a line that looks like a workflow command stays inside the one annotation that it belongs to."""
    decision = changed(told("ovs-01-no-approval"), "OVS-01", message=HOSTILE, title=HOSTILE, observed=HOSTILE)
    told_here, without = (rendered(one, Format.GITHUB) for one in (decision, told("ovs-01-no-approval")))
    assert len(told_here.splitlines()) == len(without.splitlines())
    assert "\x1b" not in told_here
    assert not re.search(r"^\s*::error::", explain_text(decision), re.MULTILINE)
    assert "\x1b" not in explain_text(decision)


def test_what_others_wrote_does_nothing_in_a_pull_request() -> None:
    """No mention, no HTML, no link, and no end of the block that holds the remedy."""
    decision = changed(told("ovs-01-no-approval"), "OVS-01", message=HOSTILE, observed=HOSTILE, remedy=HOSTILE)
    text = rendered(decision, Format.MARKDOWN)
    outside = re.sub(r"^(`{4,})text\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert len(outside) < len(text)
    assert not re.search(r"@everyone|<img|\]\(|://", outside)


def test_a_remedy_can_be_copied_out_of_a_pull_request() -> None:
    """No character is put into the command that is to be run."""
    decision = told("ovs-01-no-approval")
    (rule,) = (one for one in decision["rules"] if one["id"] == "OVS-01")
    assert f"```text\n{rule['remedy']}\n```" in rendered(decision, Format.MARKDOWN)


def test_what_others_wrote_is_no_link_in_code_scanning() -> None:
    """Brackets and braces, which have a meaning in SARIF's messages, are escaped."""
    decision = changed(told("ovs-01-no-approval"), "OVS-01", message=HOSTILE)
    (message,) = (
        result["message"]["text"]
        for result in json.loads(rendered(decision, Format.SARIF))["runs"][0]["results"]
        if result["ruleId"] == "OVS-01"
    )
    assert "\\[pay\\](" in message
    assert "{{0}}" in message


def test_markdown_keeps_to_what_a_comment_may_hold() -> None:
    """A decision of any size fits, what blocks stands in front, and the cut is told."""
    decision = told("ovs-01-no-approval")
    for rule in decision["rules"]:
        rule.update(message="m" * 4000, observed="@" * 4000, details=["d" * 4000] * 50)
    text = rendered(decision, Format.MARKDOWN)
    assert len(text) <= 65_536
    assert text.index("OVS-01") < 1000
    assert "parts were cut" in text
