"""Intervals of rates and means. Two-sided, 95 % unless told otherwise; everything seeded, everything pure.

Answers about one document are not independent, and an interval that forgets it is too narrow: observations come with
their clusters. Where there is no spread to learn from, an interval is never a point.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sekisho.evaluation.mapped import Mapped
from sekisho.evaluation.statistics.observations import (
    ALPHA,
    Interval,
    Observation,
    by_cluster,
    changed,
    count_clusters,
    level,
    mean,
    sums_of,
    values_of,
)
from sekisho.evaluation.statistics.quantiles import NORMAL, t_quantile
from sekisho.evaluation.statistics.resampling import FEW, Method, clustered_error, computed, sampled


class Bounds(Protocol):
    """How far an estimate may reach: its limits `t` units of Student's distribution out (of the normal for None)."""

    @property
    def freedom(self) -> int | None: ...

    def low(self, t: float) -> float: ...

    def high(self, t: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Score:
    """Wilson's score interval for a rate (Wilson 1927), on `n` observations or what they are worth."""

    rate: float
    n: float
    freedom: int | None = None

    def low(self, t: float) -> float:
        return 0.0 if self.rate <= 0 else max(0.0, self._end(-t))

    def high(self, t: float) -> float:
        return 1.0 if self.rate >= 1 else min(1.0, self._end(t))

    def _end(self, t: float) -> float:
        share = t * t / self.n
        half = math.sqrt(max(0.0, share * self.rate * (1 - self.rate) + share * share / 4))
        return (self.rate + share / 2 + math.copysign(half, t)) / (1 + share)


@dataclass(frozen=True, slots=True)
class Agreement:
    """All `n` values are equal: the share that could still differ is bounded by Wilson's limit for none among n."""

    value: float
    n: float
    freedom: int | None = None

    def low(self, t: float) -> float:
        return self.value - Score(0.0, self.n).high(t)

    def high(self, t: float) -> float:
        return self.value + Score(0.0, self.n).high(t)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing can be said: one cluster says nothing about others."""

    floor: float
    ceiling: float
    freedom: int | None = None

    def low(self, t: float) -> float:
        return self.floor

    def high(self, t: float) -> float:
        return self.ceiling


@dataclass(frozen=True, slots=True)
class Newcombe:
    """Newcombe's method 10 (1998) for the difference of two rates, `first` minus `second`."""

    first: Score
    second: Score
    freedom: int | None = None

    def low(self, t: float) -> float:
        a, b = self.first, self.second
        return a.rate - b.rate - math.hypot(a.rate - a.low(t), b.high(t) - b.rate)

    def high(self, t: float) -> float:
        a, b = self.first, self.second
        return a.rate - b.rate + math.hypot(a.high(t) - a.rate, b.rate - b.low(t))


@dataclass(frozen=True, slots=True)
class Hull:
    """The wider of two at either end. Both take the same `t`, the first one's."""

    one: Bounds
    other: Bounds

    @property
    def freedom(self) -> int | None:
        return self.one.freedom

    def low(self, t: float) -> float:
        return min(self.one.low(t), self.other.low(t))

    def high(self, t: float) -> float:
        return max(self.one.high(t), self.other.high(t))


def interval_of(bounds: Bounds, *, alpha: float = ALPHA, floor: float = 0.0, ceiling: float = 1.0) -> Interval:
    """The interval that misses the truth with probability `alpha`, kept inside what values can be."""
    t = t_quantile(1 - alpha / 2, bounds.freedom)
    return Interval(max(floor, bounds.low(t)), min(ceiling, bounds.high(t)))


def wilson(successes: float, n: float, *, alpha: float = ALPHA) -> Interval:
    """Wilson's score interval for a rate (Wilson 1927). `n` may be an effective sample size."""
    return interval_of(Score(successes / n, n), alpha=alpha) if n > 0 else Interval(0.0, 1.0)


def effective_size(observations: Sequence[Observation], *, alpha: float = ALPHA) -> float:
    """How many independent observations a clustered rate is worth.

    n divided by the design effect (never taken below 1: sampling luck must not narrow an interval), and by the
    square of t/z for the few degrees of freedom that the clusters leave (Korn and Graubard 1998). Without any spread
    no dependence can be seen, and n is taken as it is.
    """
    groups, effect = _design(observations)
    if groups < 2 and len(observations) > 1:
        return 1.0
    if effect is None:
        return float(len(observations))
    freedom = (t_quantile(1 - alpha / 2, groups - 1) / NORMAL.inv_cdf(1 - alpha / 2)) ** 2
    return max(1.0, len(observations) / (effect * freedom))


def rate_bounds(observations: Sequence[Observation]) -> Bounds:
    """Wilson's, on the effective sample size; t for z is the same as fewer observations."""
    rate, (groups, effect) = mean(values_of(observations)), _design(observations)
    if groups < 2 and len(observations) > 1:
        return Score(rate, 1.0)
    if effect is None:
        return Score(rate, len(observations))
    return Score(rate, max(1.0, len(observations) / effect), groups - 1)


def mean_bounds(observations: Sequence[Observation], *, seed: int) -> Bounds:
    """Limits of the mean of scores in [0, 1].

    Values that are all 0 or 1 are a rate: Wilson on the effective sample size. So is a mean without any spread,
    where a bootstrap would claim certainty. Everything else: the clustered bootstrap.
    """
    values = values_of(observations)
    if not values:
        return Unknown(0.0, 1.0)
    if set(values) <= {0.0, 1.0} or level(values):
        return rate_bounds(observations)
    return bootstrap_bounds(observations, seed=seed, floor=0.0, ceiling=1.0)


def mean_interval(observations: Sequence[Observation], *, seed: int, alpha: float = ALPHA) -> Interval:
    """The interval of `mean_bounds`."""
    return interval_of(mean_bounds(observations, seed=seed), alpha=alpha)


def bootstrap_bounds(
    observations: Sequence[Observation], *, seed: int, floor: float, ceiling: float, method: Method = Method.BCA
) -> Bounds:
    """Cluster bootstrap of the mean.

    One cluster says nothing about others: the limits are then the whole range. Clusters whose means happen to lie
    closer together than independent cases would are sampling luck; then the cases count one by one, as for a
    design effect of 1, and only the degrees of freedom remain the clusters'.
    """
    clusters = by_cluster(observations)
    if len(clusters) < 2:
        return Unknown(floor, ceiling)
    found = sampled(sums_of(observations), seed=seed, method=method)
    if len(clusters) == len(observations):
        return found
    alone = computed(Mapped(values_of(observations), _alone), freedom=len(clusters) - 1)
    return found if found.moments.error >= alone.moments.error else alone


def bootstrap(
    observations: Sequence[Observation],
    *,
    seed: int,
    alpha: float = ALPHA,
    floor: float,
    ceiling: float,
    method: Method = Method.BCA,
) -> Interval:
    """The interval of `bootstrap_bounds`."""
    bounds = bootstrap_bounds(observations, seed=seed, floor=floor, ceiling=ceiling, method=method)
    return interval_of(bounds, alpha=alpha, floor=floor, ceiling=ceiling)


def unpaired_bounds(first: Sequence[Observation], second: Sequence[Observation], *, seed: int) -> Bounds:
    """Limits of mean(first) - mean(second) of two groups in [0, 1], or both in [-1, 0], whose cases are not paired.

    Clusters are drawn jointly over both groups, since one document may have cases in each. Where a group has few
    clusters or no spread of its own, the draws know too little of it, and the limits reach at least as far as
    Newcombe's, from the two groups' Wilson intervals.
    """
    sums, apart = sums_of(first, second), _newcombe(first, second)
    if len(sums[0]) < 2:
        return Unknown(-1.0, 1.0)
    found = sampled(sums, seed=seed)
    if found.moments.error <= 1e-12:
        return apart
    known = all(count_clusters(group) >= FEW and not level(values_of(group)) for group in (first, second))
    return found if known else Hull(found, apart)


def unpaired_difference(
    first: Sequence[Observation], second: Sequence[Observation], *, seed: int, alpha: float = ALPHA
) -> Interval:
    """The interval of `unpaired_bounds`."""
    return interval_of(unpaired_bounds(first, second, seed=seed), alpha=alpha, floor=-1.0)


def _newcombe(first: Sequence[Observation], second: Sequence[Observation]) -> Newcombe:
    """Values of metrics that were turned around lie in [-1, 0]; both groups are moved up by 1."""
    shift = 1.0 if min(map(min, map(values_of, (first, second)))) < 0 else 0.0
    moved = (changed(group, lambda value: value + shift) if shift else group for group in (first, second))
    one, other = (Score(mean(values_of(group)), effective_size(group)) for group in moved)
    return Newcombe(one, other)


def _design(observations: Sequence[Observation]) -> tuple[int, float | None]:
    """How many clusters there are, and a rate's design effect, as `design_effect` has it."""
    rate = mean(values_of(observations))
    return design_effect(observations, rate * (1 - rate))


def design_effect(observations: Sequence[Observation], variance: float) -> tuple[int, float | None]:
    """How many clusters there are, and by how much they widen the variance of the mean: at least 1.

    None where each case is a cluster of its own, and where there is only one cluster or no spread to see it by.
    """
    clusters = by_cluster(observations)
    n, groups = len(observations), len(clusters)
    if groups == n or groups < 2 or variance <= 0:
        return groups, None
    centre = mean(values_of(observations))
    error = clustered_error(array("d", (math.fsum(v - centre for v in values) for values in clusters)), n)
    return groups, max(1.0, error * error / (variance / n))


def _alone(value: float) -> tuple[float, int]:
    """The sums of a cluster that is one value."""
    return value, 1
