"""Intervals of rates and means: against published values, against scipy, and what must hold for any data."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Interval, Observation
from sekisho.evaluation.types import Scored, basis_points
from tests.evaluation.statistics.observed import RATES, SHARES, Pairs, copied, observed


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_equals_published_values(successes: int, n: int, low: float, high: float) -> None:
    """Newcombe (1998) gives 81/263 as .2553 to .3662; 0 and n stay inside [0, 1]."""
    interval = statistics.wilson(successes, n)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 5_000), st.floats(0, 1), st.sampled_from([0.01, 0.05, 0.2]))
def test_wilson_equals_scipys(n: int, share: float, alpha: float) -> None:
    """For any rate, size and level, to 1e-12."""
    successes = round(share * n)
    ours = statistics.wilson(successes, n, alpha=alpha)
    theirs = stats.binomtest(successes, n).proportion_ci(1 - alpha, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-12)
    assert ours.high == pytest.approx(theirs.high, abs=1e-12)


def test_a_rate_of_nothing_is_unknown() -> None:
    """No observation leaves the whole range."""
    assert statistics.wilson(0, 0) == Interval(0.0, 1.0)
    assert statistics.mean_interval([], seed=1) == Interval(0.0, 1.0)


@given(SHARES)
def test_an_interval_holds_its_mean_and_stays_in_range(pairs: Pairs) -> None:
    """For any scores and clusters: 0 <= low <= mean <= high <= 1."""
    rows = observed(pairs)
    interval = statistics.mean_interval(rows, seed=1)
    mean = statistics.mean([row.value for row in rows])
    assert 0 <= interval.low <= mean + 1e-9
    assert mean - 1e-9 <= interval.high <= 1


@given(SHARES, st.randoms())
def test_the_order_of_rows_changes_nothing(pairs: Pairs, rng: random.Random) -> None:
    """Seeded draws depend on the data alone: a resumed run's rows come in another order."""
    shuffled = list(pairs)
    rng.shuffle(shuffled)
    assert statistics.mean_interval(observed(pairs), seed=3) == statistics.mean_interval(observed(shuffled), seed=3)


@given(st.one_of(SHARES, RATES))
def test_more_of_the_same_narrows_the_interval(pairs: Pairs) -> None:
    """Four times as many documents like these never leave more open."""
    few = statistics.mean_interval(observed(pairs), seed=1)
    many = statistics.mean_interval(copied(pairs, 4), seed=1)
    assert many.high - many.low <= few.high - few.low + 1e-9


@given(SHARES)
def test_a_mean_turned_around_has_the_interval_turned_around(pairs: Pairs) -> None:
    """Whether successes or failures are counted makes no difference."""
    interval = statistics.mean_interval(observed(pairs), seed=1)
    turned = statistics.mean_interval(observed([(1 - value, cluster) for value, cluster in pairs]), seed=1)
    assert turned.low == pytest.approx(1 - interval.high, abs=1e-9)
    assert turned.high == pytest.approx(1 - interval.low, abs=1e-9)


@given(st.one_of(SHARES, RATES))
def test_a_higher_confidence_never_narrows(pairs: Pairs) -> None:
    """The interval at 99 % holds the one at 95 %."""
    rows = observed(pairs)
    wide, narrow = (statistics.mean_interval(rows, seed=1, alpha=alpha) for alpha in (0.01, 0.05))
    assert wide.low <= narrow.low + 1e-9
    assert wide.high >= narrow.high - 1e-9


@given(RATES)
def test_a_rate_is_worth_no_more_than_its_cases(pairs: Pairs) -> None:
    """The effective size lies between 1 and n: clusters widen, sampling luck does not narrow."""
    assert 1.0 <= statistics.effective_size(observed(pairs)) <= len(pairs)


@given(RATES)
def test_wilsons_interval_is_that_of_the_effective_size(pairs: Pairs) -> None:
    """Reaching t instead of z is the same as having (t/z)² times fewer observations."""
    rows = observed(pairs)
    n, mean = statistics.effective_size(rows), statistics.mean([row.value for row in rows])
    expected, found = statistics.wilson(mean * n, n), statistics.mean_interval(rows, seed=1)
    assert found.low <= expected.low + 1e-9
    assert found.high >= expected.high - 1e-9


def test_one_cluster_says_nothing_about_others() -> None:
    """A bootstrap of one document is the whole range, and ten answers about it are worth one observation."""
    rows = [Observation(value / 10, "only.md") for value in range(10)]
    assert statistics.mean_interval(rows, seed=1) == Interval(0.0, 1.0)
    alike = statistics.mean_interval([Observation(1.0, "only.md")] * 10, seed=1)
    assert alike == statistics.wilson(1, 1)


def test_equal_values_are_not_certainty() -> None:
    """Three values of one half leave much open, three hundred little, and the interval is never a point."""
    few, many = (
        statistics.mean_interval([Observation(0.5, f"c{n}") for n in range(size)], seed=1) for size in (3, 300)
    )
    assert few.high - few.low > 0.5
    assert 0 < many.high - many.low < 0.12


def test_three_cases_leave_most_open() -> None:
    """Two of three right: Wilson's interval from a fifth to nine tenths."""
    interval = statistics.mean_interval([Observation(float(n != 1), f"c{n}") for n in range(3)], seed=1)
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.208, 0.939)


def test_a_gap_between_unpaired_groups_is_found() -> None:
    """The difference of two groups that share documents."""
    first = [Observation(float(n % 10 < 8), str(n % 12)) for n in range(120)]
    second = [Observation(float(n % 10 < 4), str(n % 12)) for n in range(120)]
    interval = statistics.unpaired_difference(first, second, seed=1)
    assert 0.2 < interval.low < 0.4 < interval.high < 0.6


def test_a_group_of_three_equal_cases_keeps_the_gap_open() -> None:
    """A group without spread is not known for certain, however large the other one is."""
    first = [Observation(float(n % 10 < 8), f"d{n}") for n in range(400)]
    second = [Observation(1.0, f"e{n}") for n in range(3)]
    interval = statistics.unpaired_difference(second, first, seed=1)
    assert interval.low < -0.2
    assert interval.high > 0.2


@given(SHARES, SHARES)
def test_an_unpaired_difference_turns_around_with_its_groups(first: Pairs, second: Pairs) -> None:
    """It holds the difference of the means, and first minus second is the contrary of second minus first."""
    one, other = observed(first), observed(second)
    there = statistics.unpaired_difference(one, other, seed=1)
    back = statistics.unpaired_difference(other, one, seed=1)
    mean = statistics.mean([o.value for o in one]) - statistics.mean([o.value for o in other])
    assert -1 <= there.low <= mean + 1e-9
    assert mean - 1e-9 <= there.high <= 1
    assert back.low == pytest.approx(-there.high, abs=1e-9)
    assert back.high == pytest.approx(-there.low, abs=1e-9)


def test_a_score_is_never_nan() -> None:
    """What has no value is Unscored, with a reason."""
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="Unscored"):
            Scored(value)


@pytest.mark.parametrize(
    ("value", "points"), [(0.12345, 1235), (-0.12345, -1235), (1 / 3, 3333), (0.0, 0), (1.0, 10000)]
)
def test_basis_points_round_to_nearest(value: float, points: int) -> None:
    """Halves go away from zero, whatever binary made of them."""
    assert basis_points(value) == points
