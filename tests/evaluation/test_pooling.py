"""Several runs of one suite on one subject."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation.pooling import pool
from sekisho.evaluation.summary import case_values
from sekisho.evaluation.types import CaseResult, Score, Scored, Unscored

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
    """An empty list has no results; it is not a run without a score."""
    assert pool([]) == []


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


@given(RUNS)
def test_the_order_of_later_runs_changes_no_value(scores: list[list[float | None]]) -> None:
    """Each case's mean is the same in whatever order the runs are pooled."""
    runs = [run(values) for values in scores]
    assert list(case_values(pool(runs), "hit")) == list(case_values(pool(runs[::-1]), "hit"))
