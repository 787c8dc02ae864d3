"""Values in few bytes give back what was put in, and statistics over them say what they say of objects."""

from __future__ import annotations

import tracemalloc
from array import array
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation import statistics
from sekisho.evaluation.columns import Columns
from sekisho.evaluation.comparison import compare_runs
from sekisho.evaluation.packed import Numbers, Scores, Sparse, Texts
from sekisho.evaluation.statistics import Observation, Observed
from sekisho.evaluation.types import CaseResult, Score, Scored, Unscored

Given = st.none() | st.builds(Unscored, st.sampled_from("abc")) | st.builds(Scored, st.floats(-1, 1))
Observations = st.lists(
    st.builds(Observation, st.sampled_from([0.0, 0.25, 1.0]), st.sampled_from("pqrstu")), min_size=2
)


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_numbers_of_any_size_come_back(numbers: list[int]) -> None:
    """However late the great ones come."""
    assert list(Numbers(numbers)) == numbers


@given(st.lists(st.text(), max_size=600))
def test_texts_come_back_by_place(texts: list[str]) -> None:
    """Over the borders of blocks, in order and against it."""
    held = Texts()
    for text in texts:
        held.append(text)
    assert [held[place] for place in reversed(range(len(texts)))] == texts[::-1]


@given(st.lists(st.none() | st.text(min_size=1)))
def test_absent_texts_stay_absent(texts: list[str | None]) -> None:
    """Whenever the first one comes."""
    held = Sparse()
    for text in texts:
        held.append(text)
    assert [held[place] for place in range(len(texts))] == texts


@given(st.lists(Given), st.integers(0, 3))
def test_scores_come_back(scores: list[Score | None], absent: int) -> None:
    """A value, a reason, or nothing; before the first there is nothing."""
    held = Scores(absent)
    for score in scores:
        held.append(score)
    assert [held[place] for place in range(absent + len(scores))] == [None] * absent + scores


def test_scores_of_many_values_come_back() -> None:
    """More different ones than a byte can tell apart, with reasons among them."""
    scores = [Unscored(f"reason {n % 7}") if n % 5 == 0 else Scored(n / 1000) for n in range(1000)]
    held = Scores(0)
    for score in scores:
        held.append(score)
    assert [held[place] for place in range(1000)] == scores


def packed(observations: Sequence[Observation]) -> Observed:
    names = sorted({one.cluster for one in observations})
    values = Numbers(names.index(one.cluster) for one in observations)
    return Observed(array("d", (one.value for one in observations)), values, names)


@settings(max_examples=60, deadline=None)
@given(Observations)
def test_statistics_of_packed_observations_are_the_same(observations: list[Observation]) -> None:
    """Means, differences, effects: to the last bit, draws included."""
    small = packed(observations)
    assert list(small) == observations
    assert statistics.count_clusters(small) == statistics.count_clusters(observations)
    asked: list[Callable[[Sequence[Observation]], object]] = [
        lambda seen: statistics.mean_interval(seen, seed=1),
        lambda seen: statistics.difference_interval(statistics.changed(seen, lambda value: value - 0.5), seed=1),
        statistics.effective_size,
        statistics.detectable,
    ]
    for ask in asked:
        assert ask(small) == ask(observations)


@settings(max_examples=40, deadline=None)
@given(Observations, Observations)
def test_unpaired_groups_of_one_set_of_clusters_are_the_same(
    first: list[Observation], second: list[Observation]
) -> None:
    """One document may have cases in both groups."""
    whole = packed([*first, *second])
    left, right = whole[: len(first)], whole[len(first) :]
    assert statistics.unpaired_difference(left, right, seed=1) == statistics.unpaired_difference(first, second, seed=1)


def run(scores: Sequence[Score | None], clusters: Sequence[str]) -> list[CaseResult]:
    return [
        CaseResult(f"q-{n:02}", 0, cluster, None, {}, "?", {} if one is None else {"m": one}, {}, None, 0)
        for n, (one, cluster) in enumerate(zip(scores, clusters, strict=True))
    ]


def columns_of(results: Sequence[CaseResult]) -> Columns:
    columns = Columns()
    for one in results:
        columns.add(one)
    return columns


Clusters = st.lists(st.sampled_from(["d1", "d2", "case:q-00", "case:q-03"]), min_size=8, max_size=8)
Runs = st.lists(Given, min_size=8, max_size=8)


@settings(max_examples=60, deadline=None)
@given(Runs, Runs, Clusters)
def test_a_comparison_of_columns_is_that_of_the_results(
    before: list[Score | None], after: list[Score | None], clusters: list[str]
) -> None:
    """Scored or not on either side, and where a document's name looks like a case's own cluster."""
    old, new = run(before, clusters), run(after, clusters)
    assert compare_runs(columns_of(old), columns_of(new), ["m"], []) == compare_runs(old, new, ["m"], [])


@pytest.mark.parametrize("cluster", ["case:{}", "document-{}"])
def test_a_result_takes_few_bytes(cluster: str) -> None:
    """Each a cluster of its own, or of twenty: a hundred thousand results are a few megabytes, and not hundreds."""
    tracemalloc.start()
    try:
        columns = Columns()
        for n in range(20_000):
            name = cluster.format(f"case-{n:06}" if cluster.startswith("case") else n // 20)
            scores = {"m": Scored(float(n % 2)), "w": Scored(float(n % 3) / 2)}
            columns.append(f"case-{n:06}", 0, name, None, "{}", scores, 7, failed=False, control=False)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / len(columns) < 40
