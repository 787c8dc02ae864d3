"""The probability that a rate got worse, beside scipy's integration."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from sekisho.evaluation.statistics import Rate, probability_worse

RATES = st.builds(Rate, st.floats(0, 1), st.floats(1, 3_000))


def by_scipy(before: Rate, after: Rate, margin: float) -> float:
    """The same integral over the quantiles of the baseline's posterior, where the integrand is bounded."""
    a, b = stats.beta(*before.shape), stats.beta(*after.shape)
    value, _ = integrate.quad(lambda share: b.cdf(a.ppf(share) - margin), 0, 1, epsabs=1e-9, limit=400)
    return float(value)


@pytest.mark.parametrize(
    ("before", "after"),
    [(Rate(0.8, 50), Rate(0.75, 50)), (Rate(1, 20), Rate(1, 20)), (Rate(0, 100), Rate(0.03, 120)),
     (Rate(0.97, 1000), Rate(0.95, 700)), (Rate(1, 3), Rate(0, 3)), (Rate(0.5, 9000), Rate(0.49, 9000))],
)  # fmt: skip
@pytest.mark.parametrize("margin", [0.0, 0.03, 0.2])
def test_the_posterior_equals_scipys(before: Rate, after: Rate, margin: float) -> None:
    """To 1e-6, for rates inside and at the ends, few cases and many."""
    assert probability_worse(before, after, margin=margin) == pytest.approx(by_scipy(before, after, margin), abs=1e-6)


@given(RATES, RATES, st.lists(st.floats(0, 1), min_size=2, max_size=4))
def test_a_wider_margin_is_less_often_missed(before: Rate, after: Rate, margins: list[float]) -> None:
    """A probability, and one that only falls as the margin grows."""
    found = [probability_worse(before, after, margin=margin) for margin in sorted(margins)]
    assert all(0 <= p <= 1 for p in found)
    assert all(one >= other - 1e-7 for one, other in pairwise(found))


@given(RATES, RATES)
def test_one_of_the_two_is_worse(before: Rate, after: Rate) -> None:
    """Without a margin the two probabilities add up to 1, and less being better turns them around."""
    there, back = probability_worse(before, after), probability_worse(after, before)
    assert there + back == pytest.approx(1, abs=1e-7)
    assert probability_worse(before, after, lower_is_better=True) == pytest.approx(back, abs=1e-7)


def test_equal_rates_are_a_coin_toss_and_more_cases_decide() -> None:
    """The same share of more cases moves the probability away from one half."""
    assert probability_worse(Rate(0.7, 40), Rate(0.7, 40)) == pytest.approx(0.5)
    few, many = (probability_worse(Rate(0.8, n), Rate(0.7, n)) for n in (20, 400))
    assert 0.5 < few < many
    assert math.isclose(many, 1.0, abs_tol=1e-3)
