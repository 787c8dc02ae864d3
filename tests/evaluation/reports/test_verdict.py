"""What a report says first."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sekisho.evaluation.reports.methods import ANCHORS, DOCS
from sekisho.evaluation.reports.numbers import further
from sekisho.evaluation.types import RunState
from tests.evaluation.reports.samples import compared, report, results

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (RunState.QUEUED, "running"),
        (RunState.RUNNING, "running"),
        (RunState.FAILED, "failed"),
        (RunState.CANCELLED, "cancelled"),
        (RunState.INCONCLUSIVE, "inconclusive"),
        (RunState.FINISHED, "measured"),
    ],
)
def test_the_state_decides_where_nothing_is_compared(state: RunState, outcome: str) -> None:
    """Only a finished run is measured, and that is no judgement."""
    assert report(state=state)["verdict"]["outcome"] == outcome


@pytest.mark.parametrize(("before", "after", "outcome"), [(1, 18, "worse"), (18, 1, "better"), (5, 5, "unchanged")])
def test_a_baseline_decides(before: int, after: int, outcome: str) -> None:
    """Worse or better where the whole interval is; the reasons name the metric."""
    verdict = compared(results(before), results(after))["verdict"]
    assert verdict["outcome"] == outcome
    assert all(reason["metric"] == "hallucinated" for reason in verdict["reasons"])


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"margin_bp": 100, "holm": {"decision": "fail"}}, "fail"),
        ({"margin_bp": 100, "holm": {"decision": "pass"}}, "pass"),
        ({"margin_bp": 100, "decision": "pass", "holm": {"decision": "inconclusive"}}, "inconclusive"),
        ({"margin_bp": 100, "decision": "pass", "holm": 0}, "pass"),
        ({"margin_bp": 0, "decision": "inconclusive", "holm": {"decision": "inconclusive"}}, "unchanged"),
    ],
)
def test_a_claim_with_a_margin_decides(more: dict[str, Any], outcome: str) -> None:
    """Holm's decision over the metric's own; none without a margin."""
    assert compared(results(5), results(5), more)["verdict"]["outcome"] == outcome


def test_a_metric_that_got_worse_is_never_a_pass() -> None:
    """Not even where its loss is within the margin."""
    within = {"margin_bp": 9_999, "decision": "pass", "holm": {"decision": "pass"}}
    assert compared(results(1), results(18), within)["verdict"]["outcome"] == "worse"


def test_without_a_margin_there_is_no_claim_to_show() -> None:
    """And a pessimistic interval only where it differs."""
    metric = {"low_bp": 1, "high_bp": 2, "pessimistic_low_bp": 1, "pessimistic_high_bp": 2}
    assert further({**metric, "margin_bp": 0, "decision": "inconclusive", "worse_p_bp": 5}) == []


def test_every_number_has_its_section_in_the_documentation() -> None:
    """A link from a report leads to a heading of the page on statistics."""
    page = (ROOT / DOCS).read_text("utf-8")
    sections = {heading.strip().lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", page, re.MULTILINE)}
    assert set(ANCHORS) <= sections


def test_whatever_statistics_say_is_shown() -> None:
    """Known numbers under their section, unknown ones under their own name, parts of parts by a path."""
    metric = {
        "n": 3,
        "mean_bp": 5,
        "pessimistic_mean_bp": 5_000,
        "pessimistic_low_bp": 4_000,
        "pessimistic_high_bp": 6_000,
        "worse_probability_bp": 250,
        "detectable_bp": 700,
        "margin_bp": 200,
        "decision": "pass",
        "not_worse_p_bp": 12,
        "holm": {"claims": 3, "decision": "inconclusive", "low_bp": -300, "high_bp": 100},
        "novel": {"part_p_bp": 12},
        "novel_number": 7,
        "novel_list": [1],
    }
    found = {number.name: (number.text, number.anchor) for number in further(metric)}
    assert found == {
        "pessimistic": ("50.0 % [40.0 %, 60.0 %]", "pessimistic-interval"),
        "worse_probability": ("2.5 %", "posterior"),
        "detectable": ("+7.0", "minimum-detectable-effect"),
        "margin": ("+2.0: pass, p 0.0012", "non-inferiority"),
        "holm": ("[−3.0, +1.0] / 3: inconclusive", "holm"),
        "novel.part_p": ("0.0012", "interval"),
        "novel_number": ("7", "interval"),
    }
