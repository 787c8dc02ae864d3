"""A decision in words."""

from __future__ import annotations

import json

from sekisho.gate.explain import explain_text
from tests.gate.cases import GOLDEN
from tests.gate.inputs import Json


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


def test_a_waived_rule_says_so_and_only_so() -> None:
    """It stands neither among what blocks nor among what warns, and is counted."""
    text = explain_text(told("doc-01-waived-card"))
    assert "~ DOC-01 : missing, waived\n" in text
    assert "1 waived" in text
    assert "warns only" not in text.split("~ DOC-01")[1].split("\n\n")[0]
