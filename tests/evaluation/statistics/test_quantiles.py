"""Distributions in plain Python, beside scipy's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sekisho.evaluation import statistics


@pytest.mark.parametrize(
    ("share", "freedom", "expected"),
    [(0.975, 1, 12.7062), (0.975, 2, 4.30265), (0.975, 3, 3.18245), (0.975, 14, 2.14479), (0.95, 7, 1.89458),
     (0.975, 200, 1.97190), (0.975, 201, 1.97184)],
)  # fmt: skip
def test_t_quantiles_equal_the_tables(share: float, freedom: int, expected: float) -> None:
    """Odd and even degrees of freedom, and the approximation beyond 200."""
    assert statistics.t_quantile(share, freedom) == pytest.approx(expected, rel=2e-5)


@given(st.floats(0.51, 0.9999), st.integers(1, 2_000))
def test_t_quantiles_equal_scipys(share: float, freedom: int) -> None:
    """To one part in ten thousand, which is less than a basis point of any interval."""
    assert statistics.t_quantile(share, freedom) == pytest.approx(float(stats.t.ppf(share, freedom)), rel=1e-4)


@given(st.floats(0, 60), st.one_of(st.none(), st.integers(1, 5_000)))
def test_t_tails_equal_scipys(t: float, freedom: int | None) -> None:
    """Also far out, where one minus a probability has no digits left."""
    expected = stats.norm.sf(t) if freedom is None else stats.t.sf(t, freedom)
    assert statistics.t_tail(t, freedom) == pytest.approx(float(expected), rel=1e-8, abs=1e-290)


@given(st.one_of(st.just(1.0), st.floats(0, 1 - 1e-9)), st.floats(0.5, 20_000), st.floats(0.5, 20_000))
def test_the_beta_distribution_equals_scipys(x: float, a: float, b: float) -> None:
    """Every shape that Jeffreys' prior and twenty thousand cases can give, to 1e-9.

    Nearer to 1 than that, the rounding of x itself is worth more: at (.5, .5) the density has a pole there.
    """
    assert statistics.beta_cdf(x, a, b) == pytest.approx(float(stats.beta.cdf(x, a, b)), abs=1e-9)
