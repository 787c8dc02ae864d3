"""Two runs case by case: what is said of each metric, and of all of them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation.comparison import compare, compare_runs, difference_json
from sekisho.evaluation.types import CaseResult, Score, Scored, Unscored

PRESENT = {
    "diff_bp", "low_bp", "high_bp", "n", "lower_is_better", "change", "mcnemar_p_bp", "worsened", "improved",
    "worsened_count", "improved_count",
}  # fmt: skip


def run(score: Callable[[int], Score], n: int = 200, metrics: tuple[str, ...] = ("hit",)) -> list[CaseResult]:
    return [
        CaseResult(f"q-{i:03}", 0, f"doc-{i // 5}", None, {}, "?", dict.fromkeys(metrics, score(i)), {}, None, 0)
        for i in range(n)
    ]


def right(share: int) -> Callable[[int], Score]:
    """Right in `share` of ten cases, spread over the documents."""
    return lambda number: Scored(float(number * 7 % 10 < share))


def compared(before: list[CaseResult], after: list[CaseResult], **how: Any) -> Any:
    return compare_runs(before, after, ["hit"], how.pop("lower", ()), **how)["hit"]


def test_runs_without_a_shared_case_are_unknown() -> None:
    """No pair was scored in both, and nothing is claimed."""
    assert compared(run(right(8)), run(lambda _: Unscored("down"))) == {"n": 0, "change": "unknown"}
    assert compare(run(right(8)), [], "hit") is None


def test_the_first_keys_are_still_there() -> None:
    """What reports and the gate read keeps its names; what the gate takes whole has no more than it had."""
    found = compared(run(right(8)), run(right(7)))
    pairs = compare(run(right(8)), run(right(7)), "hit")
    assert pairs is not None
    difference = difference_json(pairs)
    assert set(found) >= PRESENT
    assert set(difference) == {"diff_bp", "low_bp", "high_bp", "n"}
    assert difference.items() <= found.items()
    assert len(list(pairs.changes)) == 200


def test_a_clear_loss_fails_and_says_so_everywhere() -> None:
    """Forty points worse: decision, p, posterior and change agree."""
    found = compared(run(right(9)), run(right(5)), margins={"hit": 300})
    assert (found["diff_bp"], found["before_bp"], found["after_bp"], found["margin_bp"]) == (-4000, 9000, 5000, 300)
    assert (found["decision"], found["change"]) == ("fail", "worse")
    assert found["worse_p_bp"] <= 250 < found["not_worse_p_bp"]
    assert found["worse_probability_bp"] > 9900
    assert found["worsened_count"] == 80


def test_where_less_is_better_the_same_change_passes() -> None:
    """Forty points fewer of something bad is a gain; the difference itself keeps its sign."""
    found = compared(run(right(9)), run(right(5)), lower=["hit"], margins={"hit": 300})
    assert (found["diff_bp"], found["decision"], found["change"]) == (-4000, "pass", "better")
    assert found["low_bp"] < -4000 < found["high_bp"] < 0
    assert found["worse_probability_bp"] < 100


def test_equal_runs_pass_a_margin_and_no_margin_at_all_is_inconclusive() -> None:
    """Two hundred equal pairs exclude a loss of five points, but not any loss."""
    same = run(right(8))
    assert compared(same, same, margins={"hit": 500})["decision"] == "pass"
    strict = compared(same, same)
    assert (strict["decision"], strict["diff_bp"], strict["change"]) == ("inconclusive", 0, "none")
    assert strict["worse_probability_bp"] == 5000
    assert 0 < strict["detectable_bp"] < 500


def test_what_was_not_scored_is_taken_against_the_candidate() -> None:
    """Ten cases that the candidate did not answer: no difference among the others, five points if they are misses."""
    after = [
        CaseResult(
            r.case_id, 0, r.cluster, None, {}, "?", {"hit": Unscored("down")} if n % 20 == 0 else r.scores, {}, None, 0
        )
        for n, r in enumerate(run(right(8)))
    ]
    found = compared(run(right(8)), after)
    assert (found["diff_bp"], found["n"]) == (0, 190)
    assert found["pessimistic_diff_bp"] == -500
    assert found["pessimistic_low_bp"] < found["low_bp"]


def test_values_between_have_no_posterior_and_no_mcnemar() -> None:
    """Both are of rates."""
    found = compared(run(lambda n: Scored(n % 3 / 2)), run(lambda n: Scored(n % 4 / 3)))
    assert not {"worse_probability_bp", "mcnemar_p_bp"} & set(found)
    assert "detectable_bp" in found


def test_repeats_of_a_rate_keep_its_posterior() -> None:
    """Each repeat is 0 or 1, though a case's mean is not."""
    before = run(right(8)) + [
        CaseResult(r.case_id, 1, r.cluster, None, {}, "?", {"hit": Scored(1.0)}, {}, None, 0) for r in run(right(8))
    ]
    found = compared(before, run(right(8)))
    assert "worse_probability_bp" in found
    assert "mcnemar_p_bp" not in found


def test_holm_over_the_metrics_is_never_kinder() -> None:
    """Of five claims each needs a smaller p than one alone, and the interval that holds for all is wider."""
    names = tuple("abcde")
    before, after = (
        run(right(8), metrics=names),
        run(lambda n: Scored(float(n * 7 % 10 < 8 and n % 50 > 0)), metrics=names),
    )
    found = compare_runs(before, after, names, (), margins=dict.fromkeys(names, 400))
    for metric in found.values():
        assert metric["holm"]["claims"] == 5
        assert metric["holm"]["not_worse_p_bp"] >= metric["not_worse_p_bp"]
        assert metric["holm"]["low_bp"] <= metric["low_bp"] or metric["holm"]["decision"] == "pass"


def test_one_metric_has_the_interval_that_it_has_alone() -> None:
    """Holm over one claim changes nothing."""
    found = compared(run(right(8)), run(right(7)), margins={"hit": 100})
    assert found["holm"]["claims"] == 1
    for name in ("low_bp", "high_bp", "decision", "not_worse_p_bp", "worse_p_bp"):
        assert found["holm"][name] == found[name]


def test_three_pairs_and_one_document_are_inconclusive() -> None:
    """Neither is enough to pass or to fail."""
    few = compared(run(right(8), 3), run(right(8), 3), margins={"hit": 300})
    one = compared(run(right(8), 5), run(right(2), 5), margins={"hit": 300})
    assert (few["decision"], one["decision"]) == ("inconclusive", "inconclusive")
    assert (one["clusters"], one["low_bp"], one["high_bp"], one["detectable_bp"]) == (1, -10000, 10000, 10000)


SCORES = st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2), min_size=2, max_size=40)


@given(SCORES, st.booleans())
def test_baseline_and_candidate_change_places(pairs: list[tuple[float, float]], lower: bool) -> None:
    """Every figure of the difference turns around, and without a margin so do decision and p."""
    one, other = (run(lambda n, side=side: Scored(pairs[n][side]), len(pairs)) for side in (0, 1))  # type: ignore[misc]
    where = ["hit"] if lower else []
    there, back = compared(one, other, lower=where), compared(other, one, lower=where)
    assert back["diff_bp"] == -there["diff_bp"]
    assert back["low_bp"] == pytest.approx(-there["high_bp"], abs=1)
    assert back["high_bp"] == pytest.approx(-there["low_bp"], abs=1)
    assert back["worse_p_bp"] == pytest.approx(there["not_worse_p_bp"], abs=1)
    assert back["detectable_bp"] == there["detectable_bp"]
    assert (back["worsened_count"], back["improved_count"]) == (there["improved_count"], there["worsened_count"])
    for found in (there, back):
        assert found["low_bp"] <= found["diff_bp"] <= found["high_bp"]
