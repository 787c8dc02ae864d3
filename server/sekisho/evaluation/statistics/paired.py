"""Two versions on the same cases: limits of the mean difference, exact McNemar, one-sided p-values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sekisho.evaluation.statistics.intervals import (
    Agreement,
    Bounds,
    Unknown,
    bootstrap_bounds,
    design_effect,
    interval_of,
)
from sekisho.evaluation.statistics.observations import ALPHA, Interval, Observation, count_clusters, level, values_of
from sekisho.evaluation.statistics.quantiles import t_tail

_FARTHEST = 1e3


@dataclass(frozen=True, slots=True)
class Tango:
    """Tango's score interval (1998) for the difference of two paired rates.

    `won` and `lost` are the shares of pairs that only the one or only the other answers. A score interval takes the
    variance from the limit that it tests, not from the few discordant pairs seen; with fifty cases a bootstrap passes
    a version at the margin twice as often as it says.
    """

    won: float
    lost: float
    n: float
    freedom: int | None = None

    def low(self, t: float) -> float:
        return self._end(t, -1.0)

    def high(self, t: float) -> float:
        return self._end(-t, 1.0)

    def _end(self, t: float, far: float) -> float:
        near = self.won - self.lost
        for _ in range(44):
            middle = (near + far) / 2
            near, far = (middle, far) if abs(self._score(middle)) <= abs(t) else (near, middle)
        return near

    def _score(self, difference: float) -> float:
        """How many standard deviations the observed difference lies from this one."""
        linear = -self.won - self.lost + (2 - self.won + self.lost) * difference
        constant = -self.lost * difference * (1 - difference)
        restricted = (math.sqrt(max(0.0, linear * linear - 8 * constant)) - linear) / 4
        variance = (2 * restricted + difference * (1 - difference)) / self.n
        distance = self.won - self.lost - difference
        return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


def difference_bounds(observations: Sequence[Observation], *, seed: int) -> Bounds:
    """Limits of the mean of paired differences in [-1, 1].

    Of rates (every difference -1, 0 or 1) Tango's score interval on the effective sample size, else the clustered
    bootstrap. Where all differences are equal there is no spread to learn from; then the share of pairs that could
    still differ is bounded by Wilson's upper limit for none seen among n. One cluster says nothing about others.
    """
    values = values_of(observations)
    if not values or (len(values) > 1 and count_clusters(observations) == 1):
        return Unknown(-1.0, 1.0)
    if level(values):
        return Agreement(values[0], len(values))
    if set(values) <= {-1.0, 0.0, 1.0}:
        return _rates(observations)
    return bootstrap_bounds(observations, seed=seed, floor=-1.0, ceiling=1.0)


def _rates(observations: Sequence[Observation]) -> Tango:
    n = len(observations)
    won, lost = (sum(value == end for value in values_of(observations)) / n for end in (1.0, -1.0))
    groups, effect = design_effect(observations, won + lost - (won - lost) ** 2)
    if effect is None:
        return Tango(won, lost, n)
    return Tango(won, lost, max(1.0, n / effect), groups - 1)


def difference_interval(observations: Sequence[Observation], *, seed: int, alpha: float = ALPHA) -> Interval:
    """The interval of `difference_bounds`."""
    return interval_of(difference_bounds(observations, seed=seed), alpha=alpha, floor=-1.0)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided McNemar test: how likely so lopsided a split of the discordant pairs is by chance."""
    n, smaller = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0
    whole = math.lgamma(n + 1) - n * math.log(2)
    tail = math.fsum(math.exp(whole - math.lgamma(k + 1) - math.lgamma(n - k + 1)) for k in range(smaller + 1))
    return min(1.0, 2 * tail)


def p_at_most(bounds: Bounds, limit: float) -> float:
    """One-sided p of "the truth is at most `limit`": small where the estimate lies clearly above.

    The level at which the interval's lower end touches the limit (inversion), so that p <= alpha/2 exactly where the
    interval at alpha lies above it.
    """
    above, below = _tails(bounds, limit)
    return above if above <= 0.5 else 1 - below


def p_at_least(bounds: Bounds, limit: float) -> float:
    """One-sided p of "the truth is at least `limit`": small where the estimate lies clearly below."""
    above, below = _tails(bounds, limit)
    return below if below <= 0.5 else 1 - above


def _tails(bounds: Bounds, limit: float) -> tuple[float, float]:
    """The two one-sided p, exact for the smaller; the larger is only known to be above one half."""
    if bounds.low(0.0) > limit:
        return t_tail(_touching(lambda t: bounds.low(t) >= limit), bounds.freedom), 1.0
    if bounds.high(0.0) < limit:
        return 1.0, t_tail(_touching(lambda t: bounds.high(t) <= limit), bounds.freedom)
    return 0.5, 0.5


def _touching(clear: Callable[[float], bool]) -> float:
    """How far out, in units of t, an end of the interval is still clear of the limit; ends are monotone."""
    near, far = 0.0, _FARTHEST
    for _ in range(48):
        middle = (near + far) / 2
        near, far = (middle, far) if clear(middle) else (near, middle)
    return near
