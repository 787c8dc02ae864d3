"""Several runs of one suite on one subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation.comparison import compare_runs
from sekisho.evaluation.pooling import countable, held_to_first, pool, summarise_pooled
from sekisho.evaluation.summary import case_values, summarise
from sekisho.evaluation.types import CaseResult, Score, Scored, Unscored

HOW: dict[str, Any] = {"planned": 12, "metrics": ["hit"], "axes": ["half"], "lower": ()}
RUNS = st.lists(st.lists(st.sampled_from([0.0, 1.0, None]), min_size=12, max_size=12), min_size=1, max_size=5)


def run(scores: Sequence[float | None], repeats: int = 1) -> list[CaseResult]:
    return [
        CaseResult(
            f"q-{n:02}", repeat, f"doc-{n // 2}", None, {"half": "ab"[n % 2]}, "?", {"hit": scored(value)}, {}, None, 0
        )
        for n, value in enumerate(scores)
        for repeat in range(repeats)
    ]


def scored(value: float | None) -> Score:
    return Unscored("down") if value is None else Scored(value)


def test_no_run_is_nothing_to_pool() -> None:
    """An empty list has no summary; it is not a run without a score."""
    assert pool([]) == []
    with pytest.raises(ValueError, match="no run"):
        summarise_pooled([], **HOW)


def test_cases_are_averaged_over_the_runs() -> None:
    """One right and one wrong answer are a half; what one run did not score the other one speaks for."""
    pooled = pool([run([1.0, 1.0, None]), run([0.0, 1.0, 1.0])])
    assert [row.value for row in case_values(pooled, "hit")] == [0.5, 1.0, 1.0]


def test_repeats_are_numbered_on() -> None:
    """Two runs of two repeats are four of each case, and no two rows have the same name."""
    pooled = pool([run([1.0, 0.0], 2), run([0.0, 0.0], 2)])
    assert sorted((row.case_id, row.repeat) for row in pooled) == [(f"q-0{n}", r) for n in range(2) for r in range(4)]
    assert [row.scores["hit"] for row in pooled if row.case_id == "q-00"] == [Scored(1.0)] * 2 + [Scored(0.0)] * 2


def test_one_run_alone_is_as_it_was() -> None:
    """Pooling a run with nothing changes none of its numbers."""
    only = run([1.0, 0.0] * 6)
    assert pool([only]) == only
    assert summarise_pooled([only], **HOW) == {**summarise(only, **HOW), "runs": 1}


def test_runs_without_the_coverage_do_not_count() -> None:
    """Wherever they stand: one may otherwise score only what goes well."""
    good, poor = (summarise(run(scores), **HOW) for scores in ([1.0] * 12, [1.0] * 6 + [None] * 6))
    assert countable([poor, good, poor, good]) == [1, 3]
    assert countable([poor]) == []
    assert countable([{"metrics": {}}]) == []
    assert countable([poor, good], least_coverage_bp=5_000) == [0, 1]


@given(RUNS)
def test_pooling_never_narrows_towards_a_pass(scores: list[list[float | None]]) -> None:
    """Neither end lies further in than the first run's or the pooled run's own, in slices and gaps as well."""
    runs = [run(values) for values in scores]
    first, pooled = summarise(runs[0], **HOW), summarise(pool(runs), **HOW)
    held = parts(summarise_pooled(runs, **HOW))
    for one in (parts(first), parts(pooled)):
        for part, alone in zip(held, one, strict=True):
            if "low_bp" in alone:
                assert part["low_bp"] <= alone["low_bp"]
                assert part["high_bp"] >= alone["high_bp"]
    assert [part.get("mean_bp") for part in held] == [part.get("mean_bp") for part in parts(pooled)]


def parts(summary: dict[str, Any]) -> list[dict[str, Any]]:
    metric = summary["metrics"]["hit"]
    return [metric, metric["slices"]["half"]["a"], metric["gaps"].get("half", {})]


def test_a_comparison_is_held_to_the_first_as_well() -> None:
    """A pass by all runs that the first did not give is inconclusive, with the larger p."""
    first = {"hit": {
        "diff_bp": -100, "low_bp": -400, "high_bp": 200, "decision": "inconclusive", "change": "none",
        "not_worse_p_bp": 900, "worse_p_bp": 9100, "detectable_bp": 450, "worsened": ["q-01"],
    }}  # fmt: skip
    pooled = {"hit": {
        "diff_bp": 50, "low_bp": -150, "high_bp": 250, "decision": "pass", "change": "none",
        "not_worse_p_bp": 100, "worse_p_bp": 9900, "detectable_bp": 300, "worsened": [],
    }}  # fmt: skip
    assert held_to_first(pooled, first)["hit"] == {
        "diff_bp": 50, "low_bp": -400, "high_bp": 250, "decision": "inconclusive", "change": "none",
        "not_worse_p_bp": 900, "worse_p_bp": 9900, "detectable_bp": 450, "worsened": [],
    }  # fmt: skip


def test_real_comparisons_can_be_held() -> None:
    """What `compare_runs` gives for the pooled and for the first run has the same shape."""
    before, first, second = run([1.0] * 12), run([1.0] * 10 + [0.0] * 2), run([1.0] * 12)
    pooled, alone = (
        compare_runs(before, after, ["hit"], (), margins={"hit": 5_000}) for after in (pool([first, second]), first)
    )
    held = held_to_first(pooled, alone)["hit"]
    assert held["low_bp"] == min(pooled["hit"]["low_bp"], alone["hit"]["low_bp"])
    assert held["holm"]["not_worse_p_bp"] >= alone["hit"]["holm"]["not_worse_p_bp"]
