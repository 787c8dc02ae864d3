"""Bootstrap of means and of differences of means, whole clusters drawn with replacement.

The default is BCa (bias-corrected and accelerated, Efron 1987) with expanded tails. Plain percentiles miss a skewed
mean on one side up to three times as often as they say, and an unexpanded interval is too narrow for few clusters;
`python -m benchmarks verdicts` shows the methods beside each other. With many clusters the same interval is computed
from three moments instead of draws (ABC, DiCiccio and Efron 1992): no draw is needed to know what a million would say.
"""

from __future__ import annotations

import math
import random
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sekisho.evaluation.statistics.observations import Sums
from sekisho.evaluation.statistics.quantiles import NORMAL

RESAMPLES: Final = 2_000
MOST_DRAWN: Final = 100
"""Up to so many clusters are drawn; beyond, moments say the same (a test compares the two)."""
FEW: Final = 10
"""With fewer clusters than this the interval also reaches as far as Student's t would."""


class Method(StrEnum):
    """How the ends are read from the draws. Both have their tails expanded for few clusters."""

    BCA = "bca"
    PERCENTILE = "percentile"


@dataclass(frozen=True, slots=True)
class Moments:
    """An estimate, its standard error over clusters, its acceleration (a sixth of its skewness), degrees of freedom."""

    point: float
    error: float
    acceleration: float
    clusters: int
    freedom: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """Limits of an estimate as far out as asked, `t` in units of Student's distribution with `freedom` degrees."""

    moments: Moments
    method: Method
    draws: Sequence[float]
    """Ascending; empty where the moments speak for them."""
    bias: float

    @property
    def freedom(self) -> int:
        return self.moments.freedom

    def low(self, t: float) -> float:
        return min(self.moments.point, self._end(-t), self._student(-t))

    def high(self, t: float) -> float:
        return max(self.moments.point, self._end(t), self._student(t))

    def _student(self, t: float) -> float:
        few = self.moments.freedom + 1 < FEW
        return self.moments.point + t * self.moments.error if few else self.moments.point

    def _end(self, t: float) -> float:
        """Expanded tails (Hesterberg 2015, section 4.4): t for z, and n for n - 1 in the variance of the draws."""
        moments = self.moments
        reach = t * math.sqrt(moments.clusters / (moments.clusters - 1))
        if self.method is Method.PERCENTILE:
            return self._drawn(reach)
        away = self.bias + reach
        nearness = max(0.05, 1 - moments.acceleration * away)
        if self.draws:
            return self._drawn(self.bias + away / nearness)
        plain = moments.error * math.sqrt(1 - 1 / moments.clusters)
        return moments.point + plain * away / nearness**2

    def _drawn(self, z: float) -> float:
        """The draws' quantile; beyond the outermost draw the tail goes on as a normal one, lest it end there."""
        last = NORMAL.inv_cdf(len(self.draws) / (len(self.draws) + 1))
        within = quantile(self.draws, NORMAL.cdf(min(last, max(-last, z))))
        return within + (z - min(last, max(-last, z))) * self.moments.error


def sampled(groups: Sequence[Sums], *, seed: int, resamples: int = RESAMPLES, method: Method = Method.BCA) -> Sampled:
    """The distribution of one group's mean, or of the first's mean minus the second's.

    Groups list the same clusters in the same order, since one document may have cases in both. Draws in which a group
    stands empty are left out. Needs two clusters and a value in each group.
    """
    moments = _moments(groups)
    if moments.error == 0 or (method is Method.BCA and moments.clusters > MOST_DRAWN):
        return _computed(moments)
    draws = sorted(_draws(groups, random.Random(seed), resamples))  # noqa: S311  # resampling, not secrecy
    below = (bisect_left(draws, moments.point - 1e-12) + bisect_right(draws, moments.point + 1e-12)) / 2
    share = min(max(below / len(draws), 1 / len(draws)), 1 - 1 / len(draws))
    return Sampled(moments, method, draws, NORMAL.inv_cdf(share))


def computed(sums: Sums, freedom: int) -> Sampled:
    """One group's mean from its moments alone, with the degrees of freedom that somebody else knows of."""
    return _computed(replace(_moments([sums]), freedom=freedom))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between order statistics (Hyndman and Fan's type 6)."""
    position = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def clustered_error(residuals: Sequence[float], n: int) -> float:
    """Standard error of a mean of `n` values, from the summed residuals of its clusters (Cochran 1977, chapter 9A)."""
    groups = len(residuals)
    return math.sqrt(groups / (groups - 1) * math.fsum(r * r for r in residuals)) / n


def _computed(moments: Moments) -> Sampled:
    return Sampled(moments, Method.BCA, (), moments.acceleration)


def _moments(groups: Sequence[Sums]) -> Moments:
    means = [math.fsum(s for s, _ in sums) / sum(n for _, n in sums) for sums in groups]
    influences = [_influence(sums, found) for sums, found in zip(groups, means, strict=True)]
    joint = influences[0]
    if len(groups) > 1:
        joint = array("d", (a - b for a, b in zip(*influences, strict=True)))
    clusters, square = len(joint), math.fsum(u * u for u in joint)
    cube = math.fsum(u**3 for u in joint)
    return Moments(
        point=means[0] - means[1] if len(groups) > 1 else means[0],
        error=math.sqrt(square / (clusters * (clusters - 1))),
        acceleration=cube / (6 * square**1.5) if square > 1e-24 else 0.0,
        clusters=clusters,
        freedom=_freedom(groups, influences),
    )


def _influence(sums: Sums, found: float) -> Sequence[float]:
    """How much each cluster pulls at the ratio of sums, times the number of clusters."""
    size = sum(n for _, n in sums) / len(sums)
    return array("d", ((s - found * n) / size for s, n in sums))


def _freedom(groups: Sequence[Sums], influences: Sequence[Sequence[float]]) -> int:
    """Clusters - 1; of two groups Satterthwaite's (1946), so that a group of three cases counts as three."""
    present = [sum(1 for _, n in sums if n) for sums in groups]
    if len(groups) == 1:
        return present[0] - 1
    spreads = [math.fsum(u * u for u in influence) for influence in influences]
    whole = math.fsum(spreads)
    if whole == 0:
        return max(1, min(present) - 1)
    parts = math.fsum(s * s / max(1, n - 1) for s, n in zip(spreads, present, strict=True))
    return max(1, math.floor(whole * whole / parts))


def _draws(groups: Sequence[Sums], rng: random.Random, rounds: int) -> list[float]:
    if len(groups) == 1:
        return _draws_of_one(groups[0], rng, rounds)
    first, second = groups
    sums = [[s for s, _ in group] for group in groups]
    sizes = [[n for _, n in group] for group in groups]
    indices, found = range(len(first)), []
    for _ in range(rounds):
        drawn = rng.choices(indices, k=len(second))
        n, m = (sum(map(size.__getitem__, drawn)) for size in sizes)
        if n and m:
            found.append(sum(map(sums[0].__getitem__, drawn)) / n - sum(map(sums[1].__getitem__, drawn)) / m)
    return found


def _draws_of_one(group: Sums, rng: random.Random, rounds: int) -> list[float]:
    sums, sizes = [s for s, _ in group], [n for _, n in group]
    indices, clusters = range(len(group)), len(group)
    if min(sizes) == max(sizes):
        whole = sizes[0] * clusters
        return [sum(rng.choices(sums, k=clusters)) / whole for _ in range(rounds)]
    found = []
    for _ in range(rounds):
        drawn = rng.choices(indices, k=clusters)
        found.append(sum(map(sums.__getitem__, drawn)) / sum(map(sizes.__getitem__, drawn)))
    return found
