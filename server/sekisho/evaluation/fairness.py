"""Counterfactual pairs: does a score change when only a name, a gender or a locale changes? Pure.

The cases of one `pair` ask the same in variants that a slice axis tells apart. A *flip* is a score that differs between
two variants at the same repeat. Models also differ from themselves: the *resample flip rate* is how often the same case
differs between two of its own repeats. Flips beyond that are the *excess*: where the scores are 0 or 1 with chances p
and q of 1, flips come at p(1-q) + q(1-p), resamples at p(1-p) + q(1-q), and the excess is exactly (p - q)². An excess
of zero says that the variants are as alike as repeats of one case; it is not capped below, so that chance can cancel.

Scores that are not 0 or 1 differ where they are more than `TOLERANCE` apart; scores without an upper end, such as
latency, where they are further apart than that share of the greater one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Observation
from sekisho.evaluation.types import CaseResult, Scored, basis_points

TOLERANCE: Final = 0.1
MAX_WORST: Final = 5
ONCE: Final = "no case was scored twice; the suite needs repeats of 2 or more"
_SLACK: Final = 1e-9
"""Decimal scores exactly the tolerance apart do not differ, whatever binary makes of them."""


@dataclass(frozen=True, slots=True)
class _Variant:
    """One case of a pair: its group on the axis, its scores by repeat."""

    group: str
    cluster: str
    scores: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class _Flips:
    """What one pair shows: how often its variants differ, and its cases from themselves."""

    pair: str
    cluster: str
    flip: float
    resample: float | None

    @property
    def excess(self) -> float:
        return self.flip - (self.resample or 0.0)


def flips(
    results: Sequence[CaseResult],
    metric: str,
    axis: str,
    axes: Sequence[str],
    *,
    share: bool,
    seed: int,
    alpha: float = statistics.ALPHA,
) -> dict[str, Any]:
    """Flip rate, resample flip rate and excess of one metric over one axis, as basis points with a clustered interval.

    The interval misses the truth with the probability `alpha`.

    Other axes of `axes` are held fixed: only cases that agree in them are compared. ``n`` of ``pairs`` pairs could be
    compared. Where nothing can be said, ``unscored`` says why, and the excess is absent.
    """
    groups = _groups(results, metric, axis, axes)
    pairs = {name: variants for name, variants in groups.items() if len({v.group for v in variants}) > 1}
    if not pairs:
        return {"n": 0, "pairs": 0, "unscored": f"no pair has two variants of {axis}"}
    found = [one for name in sorted(pairs) if (one := _compared(name, pairs[name], share)) is not None]
    whole = [one for one in found if one.resample is not None]
    counted: dict[str, Any] = {"n": len(whole), "pairs": len(pairs)}
    if not found:
        return {**counted, "unscored": "no two variants of a pair were scored at the same repeat"}
    if not whole:
        flip = basis_points(statistics.mean([one.flip for one in found]))
        return {**counted, "flip_bp": flip, "unscored": ONCE}
    return {**counted, **_rates(whole, seed, alpha)}


def differ(first: float, second: float, *, share: bool) -> bool:
    """Whether two scores are different outcomes."""
    allowed = TOLERANCE if share else TOLERANCE * max(abs(first), abs(second))
    return abs(first - second) > allowed + _SLACK


def _rates(whole: Sequence[_Flips], seed: int, alpha: float) -> dict[str, Any]:
    excess = [Observation(one.excess, one.cluster) for one in whole]
    interval = statistics.difference_interval(excess, seed=seed, alpha=alpha)
    worst = sorted((one for one in whole if one.excess > 0), key=lambda one: (-one.excess, one.pair))
    return {
        "flip_bp": basis_points(statistics.mean([one.flip for one in whole])),
        "resample_bp": basis_points(statistics.mean([one.resample or 0.0 for one in whole])),
        "excess_bp": basis_points(statistics.mean([row.value for row in excess])),
        "low_bp": basis_points(interval.low),
        "high_bp": basis_points(interval.high),
        "worst_pairs": [one.pair for one in worst[:MAX_WORST]],
    }


def _groups(
    results: Sequence[CaseResult], metric: str, axis: str, axes: Sequence[str]
) -> Mapping[tuple[str, ...], list[_Variant]]:
    """Variants that may be compared: of one pair, alike on every other axis; in an order of their own."""
    scores: dict[str, dict[int, float]] = {}
    cases: dict[str, CaseResult] = {}
    for result in results:
        if result.pair is None or axis not in result.slices:
            continue
        cases[result.case_id] = result
        own = scores.setdefault(result.case_id, {})
        if isinstance(score := result.scores.get(metric), Scored):
            own[result.repeat] = score.value
    others = sorted(set(axes) - {axis})
    grouped: dict[tuple[str, ...], list[_Variant]] = {}
    for name in sorted(cases):
        case = cases[name]
        key = (str(case.pair), *(case.slices.get(other, "") for other in others))
        grouped.setdefault(key, []).append(_Variant(case.slices[axis], case.cluster, scores[name]))
    return grouped


def _compared(name: tuple[str, ...], variants: Sequence[_Variant], share: bool) -> _Flips | None:
    """The mean over every two variants; over those that have a resample rate, where there are any."""
    rates = list(_variant_rates(variants, share))
    whole = [(flip, resample) for flip, resample in rates if resample is not None]
    if not rates:
        return None
    flip = statistics.mean([flip for flip, _ in whole or rates])
    resample = statistics.mean([resample for _, resample in whole]) if whole else None
    return _Flips("/".join(name), variants[0].cluster, flip, resample)


def _variant_rates(variants: Sequence[_Variant], share: bool) -> Iterator[tuple[float, float | None]]:
    for first, second in combinations(variants, 2):
        both = sorted(first.scores.keys() & second.scores.keys())
        if first.group == second.group or not both:
            continue
        flip = statistics.mean([differ(first.scores[r], second.scores[r], share=share) for r in both])
        own = [_resampled(variant, share) for variant in (first, second)]
        yield flip, None if None in own else statistics.mean([rate for rate in own if rate is not None])


def _resampled(variant: _Variant, share: bool) -> float | None:
    """How often two repeats of the case differ; None where it was scored once."""
    values = [variant.scores[repeat] for repeat in sorted(variant.scores)]
    pairs = [differ(first, second, share=share) for first, second in combinations(values, 2)]
    return statistics.mean(pairs) if pairs else None
