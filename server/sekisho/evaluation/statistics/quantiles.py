"""Quantiles and distribution functions of the normal, Student's t and the beta distribution, without numpy or scipy."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Final

NORMAL: Final = NormalDist()
_TERMS: Final = 10_000
_TINY: Final = 1e-300


@lru_cache(maxsize=4096)
def t_quantile(share: float, freedom: int | None) -> float:
    """Quantile of Student's t for `share` above one half; no `freedom` means the normal distribution."""
    if freedom is None:
        return NORMAL.inv_cdf(share)
    if freedom > 200:
        # Two terms of Abramowitz and Stegun 26.7.5; off by less than 1e-6 here.
        z = NORMAL.inv_cdf(share)
        first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
        return float(z + first / freedom + second / freedom**2)
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if t_central(middle, freedom) < 2 * share - 1 else (low, middle)
    return high


def t_central(t: float, freedom: int) -> float:
    """P(|T| < t) for integer degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    theta = math.atan(t / math.sqrt(freedom))
    cosine, sine = math.cos(theta), math.sin(theta)
    odd = freedom % 2 == 1
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for k in range(1, freedom // 2 + 1):
        total += term
        term *= cosine * cosine * ((2 * k) / (2 * k + 1) if odd else (2 * k - 1) / (2 * k))
    return 2 / math.pi * (theta + sine * total) if odd else sine * total


def t_tail(t: float, freedom: int | None) -> float:
    """P(T > t) for t >= 0; no `freedom` means the normal distribution."""
    if freedom is None:
        return math.erfc(t / math.sqrt(2)) / 2
    # The incomplete beta function keeps its digits where 1 - t_central has none left; near 0 it is the other way round.
    if t < 1:
        return (1 - beta_cdf(t * t / (freedom + t * t), 0.5, freedom / 2)) / 2
    return beta_cdf(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(X <= x) of a beta distribution: the continued fraction of DLMF 8.17.22, by Lentz's method."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - beta_cdf(1 - x, b, a)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return min(1.0, math.exp(log) * _fraction(x, a, b) / a)


def _fraction(x: float, a: float, b: float) -> float:
    upper, lower = 1.0, _apart(1 - (a + b) * x / (a + 1))
    lower = 1 / lower
    value = lower
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            lower = 1 / _apart(1 + term * lower)
            upper = _apart(1 + term / upper)
            value *= upper * lower
        if abs(upper * lower - 1) < 1e-15:
            break
    return value


def _apart(value: float) -> float:
    """Away from zero, which Lentz's method divides by."""
    return value if abs(value) > _TINY else _TINY
