"""Intervals and tests, in plain Python so that the API process needs no numpy. Everything seeded, everything pure.

Observations come with the cluster that they belong to (the source document): answers about one document are not
independent, and an interval that forgets it is too narrow. Intervals are two-sided, 95 % unless told otherwise.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

RESAMPLES: Final = 2_000
ALPHA: Final = 0.05
_NORMAL: Final = NormalDist()
_MAX_DRAWS: Final = 1_500_000


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Observation:
    """One value, and the cluster that it came from."""

    value: float
    cluster: str


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; exact summation, so that the order of rows cannot change it."""
    return math.fsum(values) / len(values)


def wilson(successes: float, n: float, *, alpha: float = ALPHA) -> Interval:
    """Wilson's score interval for a rate (Wilson 1927). `n` may be an effective sample size."""
    if n <= 0:
        return Interval(0.0, 1.0)
    z = _NORMAL.inv_cdf(1 - alpha / 2)
    rate, square = successes / n, z * z
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(max(0.0, rate * (1 - rate) / n + square / (4 * n * n)))
    low = 0.0 if rate <= 0 else max(0.0, centre - half)
    return Interval(low, 1.0 if rate >= 1 else min(1.0, centre + half))


def effective_size(observations: Sequence[Observation], *, alpha: float = ALPHA) -> float:
    """How many independent observations a clustered rate is worth.

    n divided by the design effect (never taken below 1: sampling luck must not narrow an interval), and by the
    square of t/z for the few degrees of freedom that the clusters leave (Korn and Graubard 1998).
    """
    clusters = _by_cluster(observations)
    n, groups = len(observations), len(clusters)
    if groups == n:
        return float(n)
    if groups < 2:
        return 1.0
    rate = mean([o.value for o in observations])
    independent = rate * (1 - rate) / n
    residuals = [math.fsum(v - rate for v in values) for values in clusters]
    clustered = groups / (groups - 1) * math.fsum(r * r for r in residuals) / (n * n)
    effect = max(1.0, clustered / independent) if independent > 0 else 1.0
    freedom = (t_quantile(1 - alpha / 2, groups - 1) / _NORMAL.inv_cdf(1 - alpha / 2)) ** 2
    return max(1.0, n / (effect * freedom)) if independent > 0 else float(n)


def mean_interval(
    observations: Sequence[Observation], *, seed: int, alpha: float = ALPHA, floor: float = 0.0, ceiling: float = 1.0
) -> Interval:
    """Interval for the mean of scores in [floor, ceiling].

    Shares that are all 0 or 1 are a rate: Wilson on the effective sample size. So is a mean of shares without any
    spread, where a bootstrap would claim certainty. Everything else: the clustered bootstrap.
    """
    values = [o.value for o in observations]
    if not values:
        return Interval(floor, ceiling)
    if (floor, ceiling) != (0.0, 1.0):
        found = bootstrap(observations, seed=seed, alpha=alpha, floor=floor, ceiling=ceiling)
        return found if found.low < found.high else _without_spread(found.low, len(values), alpha, floor, ceiling)
    if set(values) <= {0.0, 1.0} or min(values) == max(values):
        n = effective_size(observations, alpha=alpha)
        return wilson(mean(values) * n, n, alpha=alpha)
    return bootstrap(observations, seed=seed, alpha=alpha, floor=floor, ceiling=ceiling)


def _without_spread(value: float, n: int, alpha: float, floor: float, ceiling: float) -> Interval:
    """Among n equal values the share that could still differ is bounded by Wilson; it may lie at either end."""
    share = wilson(0, n, alpha=alpha).high
    return Interval(value - share * (value - floor), value + share * (ceiling - value))


def difference_interval(
    observations: Sequence[Observation], *, seed: int, alpha: float = ALPHA, reach: float = 1.0
) -> Interval:
    """Interval for the mean of paired differences in [-reach, reach].

    Where all are equal there is no spread to resample; then the share of pairs that could still differ is
    bounded by Wilson's upper limit for none seen among n.
    """
    values = [o.value for o in observations]
    if not values:
        return Interval(-reach, reach)
    if min(values) == max(values):
        slack = reach * wilson(0, len(values), alpha=alpha).high
        return Interval(max(-reach, values[0] - slack), min(reach, values[0] + slack))
    return bootstrap(observations, seed=seed, alpha=alpha, floor=-reach, ceiling=reach)


def bootstrap(
    observations: Sequence[Observation], *, seed: int, alpha: float = ALPHA, floor: float, ceiling: float
) -> Interval:
    """Cluster bootstrap of the mean with expanded percentiles (Hesterberg 2015, section 4.4).

    Whole clusters are drawn with replacement. Plain percentiles are too narrow with few clusters; the tail is
    widened to where a t interval with (clusters - 1) degrees of freedom would stand. One cluster says nothing
    about others: the interval is then the whole range. Clusters whose means happen to be equal have no spread
    between them; then the cases are drawn, as if the design effect were 1.
    """
    found = _of_means(_by_cluster(observations), seed=seed, alpha=alpha, floor=floor, ceiling=ceiling)
    if found.low < found.high:
        return found
    alone = [[value] for value in sorted(o.value for o in observations)]
    return _of_means(alone, seed=seed, alpha=alpha, floor=floor, ceiling=ceiling)


def _of_means(
    clusters: Sequence[Sequence[float]], *, seed: int, alpha: float, floor: float, ceiling: float
) -> Interval:
    sums = [(math.fsum(values), len(values)) for values in clusters]

    def statistic(draw: Sequence[int]) -> float:
        total = size = 0.0
        for index in draw:
            total += sums[index][0]
            size += sums[index][1]
        return total / size

    return _resampled(statistic, len(sums), seed=seed, alpha=alpha, floor=floor, ceiling=ceiling)


def unpaired_difference(
    first: Sequence[Observation],
    second: Sequence[Observation],
    *,
    seed: int,
    alpha: float = ALPHA,
    reach: float = 1.0,
) -> Interval:
    """Interval for mean(first) - mean(second) of two groups whose cases are not paired, in [-reach, reach].

    Clusters are drawn jointly over both groups, since one document may have cases in each. Draws in which a
    group stands empty are left out. Without any spread between the draws, Newcombe's hybrid of the two groups'
    Wilson intervals takes over.
    """
    names = sorted({o.cluster for o in (*first, *second)})
    groups = [_sums(first, names), _sums(second, names)]

    def statistic(draw: Sequence[int]) -> float | None:
        means = []
        for sums in groups:
            total = size = 0.0
            for index in draw:
                total += sums[index][0]
                size += sums[index][1]
            if size == 0:
                return None
            means.append(total / size)
        return means[0] - means[1]

    found = _resampled(statistic, len(names), seed=seed, alpha=alpha, floor=-reach, ceiling=reach)
    if found.low < found.high:
        return found
    if reach == 1.0:
        return _newcombe(first, second, alpha)
    slack = reach * wilson(0, min(len(first), len(second)), alpha=alpha).high
    return Interval(max(-reach, found.low - slack), min(reach, found.high + slack))


def _newcombe(first: Sequence[Observation], second: Sequence[Observation], alpha: float) -> Interval:
    """Newcombe's method 10 (1998). Values of metrics that were turned around lie in [-1, 0]; both are moved up by 1."""
    shift = 1.0 if min(o.value for o in (*first, *second)) < 0 else 0.0
    p, q = (mean([o.value for o in group]) + shift for group in (first, second))
    a, b = wilson(p * len(first), len(first), alpha=alpha), wilson(q * len(second), len(second), alpha=alpha)
    low = p - q - math.hypot(p - a.low, b.high - q)
    high = p - q + math.hypot(a.high - p, q - b.low)
    return Interval(max(-1.0, low), min(1.0, high))


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided McNemar test: how likely so lopsided a split of the discordant pairs is by chance."""
    n, smaller = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0
    whole = math.lgamma(n + 1) - n * math.log(2)
    tail = math.fsum(math.exp(whole - math.lgamma(k + 1) - math.lgamma(n - k + 1)) for k in range(smaller + 1))
    return min(1.0, 2 * tail)


def _resampled(
    statistic: Callable[[Sequence[int]], float | None],
    clusters: int,
    *,
    seed: int,
    alpha: float,
    floor: float,
    ceiling: float,
) -> Interval:
    if clusters < 2:
        return Interval(floor, ceiling)
    rng = random.Random(seed)  # noqa: S311  # resampling, not secrecy
    indices = range(clusters)
    rounds = max(200, min(RESAMPLES, _MAX_DRAWS // clusters))
    found = sorted(value for _ in range(rounds) if (value := statistic(rng.choices(indices, k=clusters))) is not None)
    if len(found) < rounds // 2:
        return Interval(floor, ceiling)
    widened = _NORMAL.cdf(-math.sqrt(clusters / (clusters - 1)) * t_quantile(1 - alpha / 2, clusters - 1))
    low, high = _quantile(found, widened), _quantile(found, 1 - widened)
    return Interval(max(floor, low), min(ceiling, high))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between order statistics (Hyndman and Fan's type 6)."""
    position = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


@lru_cache(maxsize=4096)
def t_quantile(share: float, freedom: int) -> float:
    """Quantile of Student's t for `share` above one half, by bisection of the exact distribution."""
    if freedom > 200:
        # Two terms of Abramowitz and Stegun 26.7.5; off by less than 1e-6 here.
        z = _NORMAL.inv_cdf(share)
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


def _by_cluster(observations: Sequence[Observation]) -> list[list[float]]:
    """Values per cluster, clusters in the order of their names: seeded draws must not depend on row order."""
    grouped: dict[str, list[float]] = {}
    for observation in observations:
        grouped.setdefault(observation.cluster, []).append(observation.value)
    return [sorted(grouped[name]) for name in sorted(grouped)]


def _sums(observations: Sequence[Observation], names: Sequence[str]) -> list[tuple[float, int]]:
    grouped: Mapping[str, list[float]] = {name: [] for name in names}
    for observation in observations:
        grouped[observation.cluster].append(observation.value)
    return [(math.fsum(values), len(values)) for values in grouped.values()]
