"""Which cases a report shows, and what of them."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.evaluation.reports.cases import case_view, claims, distribution, flags, passages
from sekisho.evaluation.reports.choosing import worst_first
from sekisho.evaluation.reports.formats import Format, Wish, render
from sekisho.evaluation.reports.json import case_json, report_json
from sekisho.evaluation.summary import case_values
from sekisho.evaluation.types import Scored, Unscored
from tests.evaluation.reports.samples import LOWER, result, results, run


def test_a_case_that_nothing_is_known_of_comes_first() -> None:
    """Then the worst by any metric, then by the mean of all."""
    unknown = result("u", None, scores={"hallucinated": Unscored("x"), "token_f1": Unscored("x")})
    found = [result("good", 0, f1=0.9), result("bad", 1), result("fair", 0, f1=0.2), unknown]
    assert worst_first(found, LOWER, shown=9) == ["u", "bad", "fair", "good"]


def test_named_cases_come_before_all() -> None:
    """Those that got worse most, in the order given."""
    ordered = worst_first(results(3, 6), LOWER, ["q-005-ja", "q-004-en"], shown=3)
    assert ordered == ["q-005-ja", "q-004-en", "q-000-en"]


def test_the_worst_repeat_is_shown() -> None:
    """With the number of repeats that there were."""
    repeats = [result("a", 0, f1=0.9, repeat=0), result("a", 1, f1=0.9, repeat=1), result("a", 0, f1=0.9, repeat=2)]
    view = case_view(repeats, LOWER)
    assert (view["repeat"], view["repeats"], view["failing"]) == (1, 3, ["hallucinated"])


def test_a_value_that_is_no_share_fails_nothing() -> None:
    """There is no half of a latency."""
    slow = result("a", 0, f1=1, scores={"latency": Scored(1200.0)})
    assert case_view([slow], LOWER)["failing"] == []


@pytest.mark.parametrize(
    ("output", "texts"),
    [
        ({"unsupported": [{"text": "x", "reasons": ["r"]}]}, ["x"]),
        ({"grounding": {"spans": [{"text": "y", "reason": "r", "start": 0}]}}, ["y"]),
        ({"grounding": {"sentences": [{"text": "z", "reasons": [], "supported": True}]}}, []),
        ({"retrieved": [{"text": "a passage", "reasons": ["r"]}]}, []),
        ({"answer": "text", "n": 3}, []),
    ],
)
def test_flags_are_found_wherever_a_scorer_put_them(output: dict[str, Any], texts: list[str]) -> None:
    """A list of texts with reasons, except what is supported, and what was retrieved."""
    assert [flag["text"] for flag in flags(output)] == texts


def test_claims_are_found_with_what_they_quote() -> None:
    """An empty quote is none."""
    output = {
        "judge": [{"claim": "a", "verdict": "supported", "quote": "q"}, {"claim": "b", "verdict": "no", "quote": ""}]
    }
    assert list(claims(output)) == [
        {"claim": "a", "verdict": "supported", "quote": "q"},
        {"claim": "b", "verdict": "no"},
    ]


def test_passages_are_read_in_every_shape() -> None:
    """Retrieved with or without text, as plain texts, as one text."""
    assert passages({"retrieved": [{"rank": 2, "chunk": "c", "document": "d", "text": "t", "cut": True}]}) == [
        {"rank": 2, "chunk": "c", "document": "d", "text": "t", "cut": True}
    ]
    assert passages({"passages": ["a", "b"]})[1] == {"rank": 2, "text": "b"}
    assert passages({"context": "whole"}) == [{"rank": 1, "text": "whole"}]
    assert passages({}) == []


def test_bins_hold_every_case_once() -> None:
    """Both ends belong to the range, and a value on a limit to the bin that begins there."""
    found = [result(f"c{n:02}", 0, f1=n / 10) for n in range(11)]
    bins = distribution(case_values(found, "token_f1"))
    assert [one["n"] for one in bins] == [1] * 9 + [2]
    assert bins[3]["cases"] == ["c03"]
    assert (bins[0]["low_bp"], bins[9]["high_bp"]) == (0, 10_000)


def test_bins_reach_as_far_as_the_values() -> None:
    """A metric that is no share has a wider range."""
    found = [result(f"c{n}", 0, f1=float(n * 100)) for n in range(3)]
    assert distribution(case_values(found, "token_f1"))[9]["high_bp"] == 2_000_000


def test_what_was_wanted_stands_beside_the_answer() -> None:
    """In the view and in the case as the API gives it; of a case that names nothing, nothing."""
    wanted = {"expected": "In 1905.", "gold": ["It was founded in 1905."], "relevant": ["a.md"]}
    view, bare = (case_view([result("a", 1, wanted=what)], LOWER) for what in (wanted, None))
    assert (view.get("expected"), view.get("gold"), view.get("relevant")) == tuple(wanted.values())
    assert wanted.items() <= case_json(result("a", 1, wanted=wanted)).items()
    assert not wanted.keys() & bare.keys()


def test_every_format_shows_what_was_wanted() -> None:
    """JSON, JUnit, Markdown and HTML, in either language; as text that cannot act."""
    report = report_json(run([bad := result("a", 1, wanted={"expected": "<b>In 1905</b>"})]), [bad], lower=LOWER)
    for form in Format:
        told = render(report, Wish(form, "ja")).content.decode()
        assert "In 1905" in told
        assert form is Format.JSON or "<b>In 1905" not in told
