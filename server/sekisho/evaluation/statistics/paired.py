"""Two versions on the same cases: limits of the mean difference, exact McNemar, one-sided p-values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sekisho.evaluation.statistics.intervals import (
    Agreement,
    Bounds,
    Unknown,
    bootstrap_bounds,
    interval_of,
)
from sekisho.evaluation.statistics.observations import ALPHA, Interval, Observation, level
from sekisho.evaluation.statistics.quantiles import t_tail

_FARTHEST = 1e3


def difference_bounds(observations: Sequence[Observation], *, seed: int) -> Bounds:
    """Limits of the mean of paired differences in [-1, 1], by the clustered bootstrap.

    Where all are equal there is no spread to resample; then the share of pairs that could still differ is bounded by
    Wilson's upper limit for none seen among n.
    """
    values = [o.value for o in observations]
    if not values:
        return Unknown(-1.0, 1.0)
    if level(values) and (len(values) == 1 or len({o.cluster for o in observations}) > 1):
        return Agreement(values[0], len(values))
    return bootstrap_bounds(observations, seed=seed, floor=-1.0, ceiling=1.0)


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
    for _ in range(80):
        middle = (near + far) / 2
        near, far = (middle, far) if clear(middle) else (near, middle)
    return near
