"""Intervals and tests: against known values, and against simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Interval, Observation
from sekisho.evaluation.types import Scored, basis_points

values = st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdefgh")), min_size=1, max_size=40)


def observed(pairs: list[tuple[float, str]]) -> list[Observation]:
    return [Observation(value, cluster) for value, cluster in pairs]


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_equals_published_values(successes: int, n: int, low: float, high: float) -> None:
    """Newcombe (1998) gives 81/263 as .2553 to .3662; 0 and n stay inside [0, 1]."""
    interval = statistics.wilson(successes, n)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("share", "freedom", "expected"),
    [(0.975, 1, 12.7062), (0.975, 2, 4.30265), (0.975, 3, 3.18245), (0.975, 14, 2.14479), (0.95, 7, 1.89458),
     (0.975, 200, 1.97190), (0.975, 201, 1.97184)],
)  # fmt: skip
def test_t_quantiles_equal_the_tables(share: float, freedom: int, expected: float) -> None:
    """Odd and even degrees of freedom, and the approximation beyond 200."""
    assert statistics.t_quantile(share, freedom) == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize(("first", "second", "p"), [(0, 0, 1.0), (0, 6, 0.03125), (1, 9, 0.021484375), (5, 5, 1.0)])
def test_mcnemar_is_exact(first: int, second: int, p: float) -> None:
    """Twice the smaller binomial tail, at most 1."""
    assert statistics.mcnemar(first, second) == pytest.approx(p)


def test_mcnemar_takes_thousands_of_pairs() -> None:
    """No overflow where the binomial coefficients leave the range of floats."""
    assert 0 <= statistics.mcnemar(4000, 6000) < 1e-9


@given(values)
def test_an_interval_holds_its_mean_and_stays_in_range(pairs: list[tuple[float, str]]) -> None:
    """For any scores and clusters: 0 <= low <= mean <= high <= 1."""
    rows = observed(pairs)
    interval = statistics.mean_interval(rows, seed=1)
    mean = statistics.mean([row.value for row in rows])
    assert 0 <= interval.low <= mean + 1e-9
    assert mean - 1e-9 <= interval.high <= 1


@given(values, st.randoms())
def test_the_order_of_rows_changes_nothing(pairs: list[tuple[float, str]], rng: random.Random) -> None:
    """Seeded draws depend on the data alone: a resumed run's rows come in another order."""
    shuffled = list(pairs)
    rng.shuffle(shuffled)
    first = statistics.bootstrap(observed(pairs), seed=3, floor=0, ceiling=1)
    assert statistics.bootstrap(observed(shuffled), seed=3, floor=0, ceiling=1) == first


def test_one_cluster_says_nothing_about_others() -> None:
    """A bootstrap of one document is the whole range, and so is no data at all."""
    rows = [Observation(value / 10, "only.md") for value in range(10)]
    assert statistics.mean_interval(rows, seed=1) == Interval(0.0, 1.0)
    assert statistics.difference_interval([], seed=1) == Interval(-1.0, 1.0)


def test_agreement_of_few_pairs_is_not_certainty() -> None:
    """Three equal pairs leave much open; three hundred leave little."""
    few = statistics.difference_interval([Observation(0.0, f"c{n}") for n in range(3)], seed=1)
    many = statistics.difference_interval([Observation(0.0, f"c{n}") for n in range(300)], seed=1)
    assert few.high > 0.5
    assert many.high < 0.02


def simulated_coverage(rng: random.Random, clusters: int, size: int, *, binary: bool) -> float:
    """How often the interval holds the true mean, for data with strong dependence inside clusters."""
    held, rounds, truth = 0, 300, 0.6
    for number in range(rounds):
        rows = []
        for cluster in range(clusters):
            centre = min(1.0, max(0.0, rng.gauss(truth, 0.15)))
            for _ in range(size):
                value = float(rng.random() < centre) if binary else min(1.0, max(0.0, rng.gauss(centre, 0.1)))
                rows.append(Observation(value, str(cluster)))
        interval = statistics.mean_interval(rows, seed=number)
        held += interval.low <= truth <= interval.high
    return held / rounds


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "size", "binary"), [(15, 20, True), (15, 10, False), (30, 5, True)])
def test_intervals_cover_the_truth_as_often_as_they_say(
    monkeypatch: pytest.MonkeyPatch, clusters: int, size: int, binary: bool
) -> None:
    """By simulation with 15 and 30 documents: near 95 %, where intervals that forget the clusters would be far off."""
    monkeypatch.setattr(statistics, "RESAMPLES", 400)
    coverage = simulated_coverage(random.Random(7), clusters, size, binary=binary)
    assert 0.915 <= coverage <= 0.99


def test_paired_differences_cover_the_truth() -> None:
    """The interval of a paired difference holds the true difference in nearly 95 of 100 simulated comparisons."""
    rng, held = random.Random(11), 0
    for number in range(200):
        rows = []
        for cluster in range(15):
            shift = rng.gauss(0.1, 0.05)
            rows += [
                Observation(float(rng.random() < 0.3 + shift) - float(rng.random() < 0.3), str(cluster))
                for _ in range(10)
            ]
        interval = statistics.difference_interval(rows, seed=number)
        held += interval.low <= 0.1 <= interval.high
    assert held >= 182


def test_a_gap_between_unpaired_groups_is_found() -> None:
    """The difference of two groups that share documents."""
    first = [Observation(float(n % 10 < 8), str(n % 12)) for n in range(120)]
    second = [Observation(float(n % 10 < 4), str(n % 12)) for n in range(120)]
    interval = statistics.unpaired_difference(first, second, seed=1)
    assert 0.2 < interval.low < 0.4 < interval.high < 0.6


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
