"""Paired comparisons: McNemar and Tango beside independent computations, p-values beside their intervals."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Decision, Interval, Observation
from tests.evaluation.statistics.observed import CHANGES, DIFFERENCES, Pairs, copied, observed

ANY = st.one_of(CHANGES, DIFFERENCES)


@pytest.mark.parametrize(("first", "second", "p"), [(0, 0, 1.0), (0, 6, 0.03125), (1, 9, 0.021484375), (5, 5, 1.0)])
def test_mcnemar_is_exact(first: int, second: int, p: float) -> None:
    """Twice the smaller binomial tail, at most 1."""
    assert statistics.mcnemar(first, second) == pytest.approx(p)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_equals_the_binomial_test(first: int, second: int) -> None:
    """Of the discordant pairs each side is as likely as the other."""
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert statistics.mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_takes_thousands_of_pairs() -> None:
    """No overflow where the binomial coefficients leave the range of floats."""
    assert 0 <= statistics.mcnemar(4000, 6000) < 1e-9


@pytest.mark.parametrize(("won", "lost", "n"), [(5, 12, 60), (0, 3, 50), (40, 31, 800), (1, 0, 20)])
def test_tangos_limits_are_where_the_score_test_rejects(won: int, lost: int, n: int) -> None:
    """The restricted maximum of the likelihood is found numerically here and in closed form there."""
    values = [1.0] * won + [-1.0] * lost + [0.0] * (n - won - lost)
    interval = statistics.difference_interval([Observation(v, str(i)) for i, v in enumerate(values)], seed=1)
    for limit in (interval.low, interval.high):
        assert abs(score(won, lost, n, limit)) == pytest.approx(1.959964, abs=2e-3)


def score(won: int, lost: int, n: int, difference: float) -> float:
    """Tango's statistic; `q` is the probability of a loss that is likeliest under this difference."""

    def unlikely(q: float) -> float:
        tied = 1 - 2 * q - difference
        terms = [(won, q + difference), (lost, q), (n - won - lost, tied)]
        return -math.fsum(count * math.log(max(chance, 1e-300)) for count, chance in terms if count)

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    q = optimize.minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return float((won - lost - n * difference) / math.sqrt(n * (2 * q + difference * (1 - difference))))


@given(ANY)
def test_a_difference_holds_its_mean_and_turns_around(pairs: Pairs) -> None:
    """Inside [-1, 1], and the interval of baseline minus candidate is the contrary one."""
    rows = observed(pairs)
    there = statistics.difference_interval(rows, seed=1)
    back = statistics.difference_interval([Observation(-row.value, row.cluster) for row in rows], seed=1)
    mean = statistics.mean([row.value for row in rows])
    assert -1 <= there.low <= mean + 1e-9
    assert mean - 1e-9 <= there.high <= 1
    assert back.low == pytest.approx(-there.high, abs=1e-9)
    assert back.high == pytest.approx(-there.low, abs=1e-9)


@given(ANY)
def test_more_of_the_same_pairs_narrow_the_difference(pairs: Pairs) -> None:
    """Four times as many documents like these never leave more open."""
    few = statistics.difference_interval(observed(pairs), seed=1)
    many = statistics.difference_interval(copied(pairs, 4), seed=1)
    assert many.high - many.low <= few.high - few.low + 1e-9


@given(ANY, st.floats(-0.5, 0.5), st.sampled_from([0.01, 0.05, 0.2]))
def test_a_p_is_small_exactly_where_the_interval_is_clear(pairs: Pairs, limit: float, alpha: float) -> None:
    """p <= alpha/2 and an interval above the limit are the same statement; the two p add up to one."""
    bounds = statistics.difference_bounds(observed(pairs), seed=1)
    interval = statistics.interval_of(bounds, alpha=alpha, floor=-2, ceiling=2)
    p = statistics.p_at_most(bounds, limit)
    if abs(interval.low - limit) > 1e-6 * (1 + abs(limit)):
        assert (p <= alpha / 2) == (interval.low > limit)
    if abs(interval.high - limit) > 1e-6 * (1 + abs(limit)):
        assert (statistics.p_at_least(bounds, limit) <= alpha / 2) == (interval.high < limit)
    assert 0 <= p <= 1
    assert p + statistics.p_at_least(bounds, limit) == pytest.approx(1)


@given(ANY, st.lists(st.floats(-1, 1), min_size=2, max_size=5))
def test_a_p_grows_with_its_limit(pairs: Pairs, limits: list[float]) -> None:
    """It is harder to be above more."""
    bounds = statistics.difference_bounds(observed(pairs), seed=1)
    found = [statistics.p_at_most(bounds, limit) for limit in sorted(limits)]
    assert all(one <= other + 1e-9 for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("low", "high", "decision"),
    [(-0.02, 0.01, "pass"), (-0.03, 0.01, "pass"), (-0.05, 0.0, "inconclusive"), (-0.05, -0.03, "inconclusive"),
     (-0.06, -0.04, "fail"), (-1.0, 1.0, "inconclusive")],
)  # fmt: skip
def test_non_inferiority_has_three_answers(low: float, high: float, decision: str) -> None:
    """Whole interval inside the margin, across it, beyond it; the same turned around where less is better."""
    assert statistics.non_inferior(Interval(low, high), 0.03) == Decision(decision)
    assert statistics.non_inferior(Interval(-high, -low), 0.03, lower_is_better=True) == Decision(decision)


def test_agreement_of_few_pairs_is_not_certainty() -> None:
    """Three equal pairs leave much open; three hundred leave little; none and one document leave all."""
    few, many = (
        statistics.difference_interval([Observation(0.0, f"c{n}") for n in range(size)], seed=1) for size in (3, 300)
    )
    assert few.high > 0.5
    assert many.high < 0.02
    assert statistics.difference_interval([], seed=1) == Interval(-1.0, 1.0)
    assert statistics.difference_interval([Observation(0.0, "only.md")] * 50, seed=1) == Interval(-1.0, 1.0)
