"""Summaries: means, slices and gaps from case results."""

from __future__ import annotations

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
