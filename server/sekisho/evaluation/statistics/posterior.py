"""How probable it is that a rate got worse: the beta-binomial posterior.

With Jeffreys' prior, a rate seen as r on n observations is Beta(r n + 1/2, (1 - r) n + 1/2). Clustered observations
enter with what they are worth (`effective_size`). The two rates are taken as independent. Where the same cases tend to
succeed in both, that leaves the probability nearer to one half than the pairs would allow: the careful side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sekisho.evaluation.statistics.quantiles import beta_cdf

PRIOR: Final = 0.5
_SPREADS: Final = 9.0
_STEPS: Final = 240
_WIDEST: Final = 3.2


@dataclass(frozen=True, slots=True)
class Rate:
    """A share and the number of independent observations that it is worth."""

    share: float
    n: float

    @property
    def shape(self) -> tuple[float, float]:
        return self.share * self.n + PRIOR, (1 - self.share) * self.n + PRIOR

    def turned(self) -> Rate:
        return Rate(1 - self.share, self.n)


def probability_worse(before: Rate, after: Rate, *, margin: float = 0.0, lower_is_better: bool = False) -> float:
    """Posterior probability that `after` is worse than `before` by more than `margin`. Exact to about 1e-9."""
    if lower_is_better:
        return probability_worse(before.turned(), after.turned(), margin=margin)
    if margin >= 1:
        return 0.0
    if after.n > before.n:
        # The integral runs over the sharper of the two, beside which the other one's distribution is smooth.
        return probability_worse(after.turned(), before.turned(), margin=margin)
    a, b = before.shape
    c, d = after.shape
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)

    def integrand(angle: float) -> float:
        sine, cosine = math.sin(angle), math.cos(angle)
        if sine <= 0 or cosine <= 0:
            return 0.0
        density = 2 * math.exp(log + (2 * a - 1) * math.log(sine) + (2 * b - 1) * math.log(cosine))
        return density * beta_cdf(sine * sine - margin, c, d)

    return min(1.0, max(0.0, _integral(integrand, *_range(before, after, max(0.0, margin)))))


def _range(before: Rate, after: Rate, margin: float) -> tuple[float, float]:
    """Where the integrand is not negligible.

    The rate is the squared sine of an angle, on which a posterior is about 1 / (2 √n) wide wherever it lies, and
    Jeffreys' poles at 0 and 1 are gone.
    """
    a, b = before.shape
    centre, reach = math.asin(math.sqrt(a / (a + b))), _SPREADS / (2 * math.sqrt(before.n + 1))
    return max(math.asin(math.sqrt(margin)), centre - reach), min(math.pi / 2, centre + reach)


def _integral(function: Callable[[float], float], low: float, high: float) -> float:
    """Tanh-sinh quadrature (Takahasi and Mori 1974), which bears the square-root ends of a beta distribution."""
    if low >= high:
        return 0.0
    half, middle, step = (high - low) / 2, (high + low) / 2, 2 * _WIDEST / _STEPS
    parts = []
    for index in range(_STEPS + 1):
        u = -_WIDEST + index * step
        inner = math.pi / 2 * math.sinh(u)
        weight = math.pi / 2 * math.cosh(u) / math.cosh(inner) ** 2
        parts.append(weight * function(middle + half * math.tanh(inner)))
    return half * step * math.fsum(parts)
