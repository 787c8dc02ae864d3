"""Summaries: means, slices and gaps from case results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sekisho.evaluation.summary import summarise, verdict
from sekisho.evaluation.types import CaseResult, Score, Scored, Unscored


def result(number: int, group: str, score: Score, *, pair: str | None = None, repeat: int = 0) -> CaseResult:
    name = f"q-{number:03}-{group}"
    return CaseResult(name, repeat, f"doc-{number % 12}", pair, {"group": group}, "?", {"hit": score}, {}, None, 0)


def summary(results: list[CaseResult], planned: int | None = None, lower: tuple[str, ...] = ()) -> Any:
    total = len({r.case_id for r in results}) if planned is None else planned
    return summarise(results, planned=total, metrics=["hit"], axes=["group"], lower=lower)["metrics"]["hit"]


def test_a_gap_of_pairs_is_the_paired_estimate() -> None:
    """Cases that share a pair are compared with each other, and the worst pairs are named."""
    results = [result(n, "a", Scored(1.0), pair=f"p{n:02}") for n in range(24)]
    results += [result(n, "b", Scored(float(n % 4 > 0)), pair=f"p{n:02}") for n in range(24)]
    gap = summary(results)["gaps"]["group"]
    assert (gap["best"], gap["worst"], gap["gap_bp"], gap["n"], gap["paired"]) == ("a", "b", 2500, 24, True)
    assert gap["low_bp"] < 2500 < gap["high_bp"]
    assert gap["worst_cases"] == ["p00", "p04", "p08", "p12", "p16"]


def test_a_tiny_group_does_not_hide_behind_a_large_one() -> None:
    """With three groups the upper limit is the widest of all pairs: three cases leave the gap open."""
    results = [result(n, "a", Scored(float(n % 10 < 8))) for n in range(120)]
    results += [result(n, "b", Scored(float(n % 10 < 7))) for n in range(120)]
    two = summary(results)["gaps"]["group"]
    three = summary(results + [result(n, "c", Scored(float(n != 1))) for n in range(3)])["gaps"]["group"]
    assert not two["paired"]
    assert three["high_bp"] > two["high_bp"] + 1000


def test_where_less_is_better_the_lowest_group_is_the_best() -> None:
    """The gap is positive and the worst group is the one with the higher rate."""
    results = [result(n, "a", Scored(float(n % 2))) for n in range(40)]
    results += [result(n, "b", Scored(0.0)) for n in range(40)]
    gap = summary(results, lower=("hit",))["gaps"]["group"]
    assert (gap["best"], gap["worst"], gap["gap_bp"]) == ("b", "a", 5000)


def test_a_group_without_a_score_has_no_gap() -> None:
    """Nobody can say how far apart they are; the policy sees that it is missing."""
    results = [result(n, "a", Scored(1.0)) for n in range(5)] + [result(n, "b", Unscored("no")) for n in range(5)]
    metric = summary(results)
    assert metric["gaps"] == {}
    assert metric["slices"]["group"]["b"] == {"n": 0, "coverage_bp": 0}


def test_coverage_counts_cases_that_never_ran() -> None:
    """What was planned and has no result counts against coverage."""
    assert summary([result(n, "a", Scored(1.0)) for n in range(7)], planned=10)["coverage_bp"] == 7000


def test_a_metric_below_the_least_coverage_makes_the_run_inconclusive() -> None:
    """Four fifths will do; less will not, and the reason names the metric."""
    results = [result(n, "a", Scored(1.0)) for n in range(8)]
    enough, short = (summarise(results, planned=planned, metrics=["hit"], axes=[], lower=()) for planned in (10, 11))
    assert verdict(enough) is None
    assert "hit scored 8 of 11" in (verdict(short) or "")


def test_repeats_count_once_and_partly_failed_ones_still_count() -> None:
    """The mean of a case's scored repeats is one value."""
    results = [result(n, "a", Scored(float(r)), repeat=r) for n in range(6) for r in range(2)]
    results[0] = result(0, "a", Unscored("dropped"), repeat=0)
    metric = summary(results)
    assert (metric["n"], metric["mean_bp"]) == (6, 5833)


def test_unscored_cases_are_also_counted_at_their_worst() -> None:
    """Eight of ten right and two unscored: 100 % of what was scored, 80 % if the two are misses."""
    results = [result(n, "a", Scored(1.0) if n < 8 else Unscored("timed out")) for n in range(10)]
    metric = summary(results)
    assert (metric["mean_bp"], metric["pessimistic_mean_bp"], metric["coverage_bp"]) == (10000, 8000, 8000)
    assert metric["pessimistic_low_bp"] < metric["low_bp"]
    assert metric["pessimistic_high_bp"] < 10000


def test_the_worst_is_the_highest_where_less_is_better() -> None:
    """An answer that could not be checked may have been made up."""
    results = [result(n, "a", Scored(0.0) if n < 8 else Unscored("timed out")) for n in range(10)]
    metric = summary(results, lower=("hit",))
    assert (metric["mean_bp"], metric["pessimistic_mean_bp"]) == (0, 2000)
    assert metric["pessimistic_high_bp"] > metric["high_bp"]


def test_a_case_that_never_ran_is_as_bad_as_one_that_failed() -> None:
    """Planned and without a result; in a slice only what ran can be counted."""
    metric = summary([result(n, "a", Scored(1.0)) for n in range(7)], planned=10)
    assert metric["pessimistic_mean_bp"] == 7000
    assert metric["slices"]["group"]["a"]["pessimistic_mean_bp"] == 10000


def test_an_unscored_repeat_is_counted_at_its_worst() -> None:
    """The case counts by its scored repeat, and pessimistically by half of it."""
    results = [result(n, "a", Scored(1.0), repeat=0) for n in range(6)]
    results += [result(n, "a", Unscored("no answer"), repeat=1) for n in range(6)]
    metric = summary(results)
    assert (metric["mean_bp"], metric["pessimistic_mean_bp"], metric["coverage_bp"]) == (10000, 5000, 10000)


def test_with_everything_scored_the_worst_is_what_was_seen() -> None:
    """Both intervals are the same."""
    metric = summary([result(n, "a", Scored(n % 4 / 4)) for n in range(30)])
    for name in ("mean_bp", "low_bp", "high_bp"):
        assert metric[name] == metric[f"pessimistic_{name}"]


def test_nothing_scored_has_no_mean_of_any_kind() -> None:
    """Neither 0 nor 1 nor an interval: the run is inconclusive, and says which metric is to blame."""
    found = summarise(
        [result(n, "a", Unscored("no model")) for n in range(5)], planned=5, metrics=["hit"], axes=["group"], lower=()
    )
    metric = found["metrics"]["hit"]
    assert {name for name in metric if name.endswith("_bp")} == {"coverage_bp"}
    assert (metric["n"], metric["coverage_bp"], metric["gaps"]) == (0, 0, {})
    assert verdict(found) == "no case could be scored by hit"


def test_no_case_at_all_is_inconclusive() -> None:
    """A run without results is not a pass."""
    assert verdict(summarise([], planned=0, metrics=["hit"], axes=["group"], lower=())) is not None


def test_a_slice_of_three_cases_says_how_little_it_says() -> None:
    """Two of three: an interval over most of the range, and never a point."""
    results = [result(n, "a", Scored(1.0)) for n in range(40)] + [
        result(n, "b", Scored(float(n > 0))) for n in range(3)
    ]
    part = summary(results)["slices"]["group"]["b"]
    assert (part["n"], part["clusters"], part["mean_bp"]) == (3, 3, 6667)
    assert part["high_bp"] - part["low_bp"] > 6000


def test_one_document_leaves_everything_open() -> None:
    """Forty questions about one page, half of them answered: nothing is known of other pages."""
    rows = [replace(result(n, "a", Scored(n % 3 / 2)), cluster="only.md") for n in range(40)]
    metric = summary(rows)
    assert (metric["clusters"], metric["low_bp"], metric["high_bp"]) == (1, 0, 10000)


def test_a_metric_of_another_range_keeps_its_units() -> None:
    """Points from 1 to 5: the interval stays inside, and what is unscored counts as 1."""
    results = [result(n, "a", Scored(float(1 + n % 5)) if n < 40 else Unscored("late")) for n in range(50)]
    found = summarise(results, planned=50, metrics=["hit"], axes=[], lower=(), ranges={"hit": (1.0, 5.0)})
    metric = found["metrics"]["hit"]
    assert (metric["mean_bp"], metric["pessimistic_mean_bp"]) == (30000, 26000)
    assert 10000 < metric["low_bp"] < 30000 < metric["high_bp"] < 50000


def test_values_beyond_the_declared_range_widen_it() -> None:
    """No interval excludes the data that it was made from."""
    results = [result(n, "a", Scored(float(n))) for n in range(20)]
    metric = summary(results)
    assert metric["low_bp"] < metric["mean_bp"] == 95000 < metric["high_bp"]


def test_the_order_of_results_changes_nothing() -> None:
    """A resumed run stores its rows in another order and has the same summary."""
    results = [
        result(n, "ab"[n % 2], Scored(n % 7 / 6) if n % 9 else Unscored("x"), pair=f"p{n // 2}") for n in range(60)
    ]
    assert summary(results) == summary(results[::-1])


def test_a_metric_without_an_upper_end_has_intervals_in_its_own_unit() -> None:
    """Milliseconds are no share: nothing is cut to 1, and the gap is in milliseconds too."""
    results = [
        CaseResult(
            f"q{n}{group}", 0, f"doc-{n % 12}", f"p{n}", {"group": group}, "?", {"latency_ms": score}, {}, None, 0
        )
        for n in range(24)
        for group, score in (("a", Scored(100.0 + n)), ("b", Scored(300.0 + 2 * n)))
    ]
    asked: Any = {"planned": 48, "metrics": ["latency_ms"], "axes": ["group"], "lower": ["latency_ms"]}
    metric = summarise(results, **asked)["metrics"]["latency_ms"]
    assert metric["unit"] == "ms"
    assert 100 * 10_000 < metric["low_bp"] < metric["mean_bp"] < metric["high_bp"] < 346 * 10_000
    gap = metric["gaps"]["group"]
    assert (gap["best"], gap["worst"], gap["gap_bp"]) == ("a", "b", 2_115_000)
    assert 200 * 10_000 < gap["low_bp"] < gap["gap_bp"] < gap["high_bp"] < 223 * 10_000


def test_equal_values_without_an_upper_end_are_not_certain() -> None:
    """A group that always took as long has an interval within what was seen elsewhere."""
    results = [
        CaseResult(f"q{n}{group}", 0, f"doc-{n}", None, {"group": group}, "?", {"words": score}, {}, None, 0)
        for n in range(20)
        for group, score in (("a", Scored(10.0)), ("b", Scored(float(n))))
    ]
    asked: Any = {"planned": 40, "metrics": ["words"], "axes": ["group"], "lower": ["words"]}
    same = summarise(results, **asked)["metrics"]["words"]["slices"]["group"]["a"]
    assert same["low_bp"] < same["mean_bp"] == 100_000 < same["high_bp"] < 190_000
