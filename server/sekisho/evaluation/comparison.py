"""Two runs of one suite, case by case: what changed, how sure that is, which cases got worse. Pure."""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from sekisho.evaluation import statistics
from sekisho.evaluation.case_values import (
    SEED,
    CaseValue,
    Scale,
    case_values,
    pessimistic_values,
    scale_of,
    wholly_scored,
)
from sekisho.evaluation.scorers.catalogue import RANGES
from sekisho.evaluation.statistics import ALPHA, Bounds, Claim, Interval, Joint, Observation, Rate
from sekisho.evaluation.types import CaseResult, basis_points
from sekisho.evaluation.values import all_binary, count_cases, held_by, ids_of, observed, taken

MAX_LISTED: Final = 50

Change = tuple[str, float, float]
"""A case, its value before, its value after."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of a candidate beside a baseline, over the cases that both scored.

    `bounds` are those of the mean gain in units of the scale: candidate minus baseline, turned so that more is better.
    """

    before: Sequence[CaseValue]
    after: Sequence[CaseValue]
    scale: Scale
    lower_is_better: bool
    margin: float
    gains: Sequence[Observation]
    bounds: Bounds
    pessimistic: Sequence[Observation]

    @property
    def claim(self) -> Claim:
        """That the candidate is not worse by more than the margin."""
        return Claim(self.bounds, -self.margin / self.scale.width)

    @property
    def changes(self) -> Iterator[Change]:
        return zip(ids_of(self.after), held_by(self.before), held_by(self.after), strict=True)

    def difference(self, gain: Interval) -> Interval:
        """Candidate minus baseline as the metric counts."""
        turned = Interval(-gain.high, -gain.low) if self.lower_is_better else gain
        return self.scale.difference(turned)


def compare(
    baseline: Sequence[CaseResult],
    candidate: Sequence[CaseResult],
    metric: str,
    *,
    lower_is_better: bool = False,
    margin_bp: int = 0,
    declared: tuple[float, float] | None = None,
) -> Comparison | None:
    """The paired comparison of one metric; None where no case was scored in both."""
    before, after = _shared(case_values(baseline, metric), case_values(candidate, metric))
    if not after:
        return None
    scale = scale_of(declared, chain(held_by(before), held_by(after)))
    sign = (-1 if lower_is_better else 1) / scale.width
    gains = _gains(before, after, sign)
    # Where everything was scored there is nothing to think the worst of.
    whole = all(len(after) == count_cases(side) and wholly_scored(side, metric) for side in (baseline, candidate))
    worst = gains if whole else _pessimistic(baseline, candidate, metric, scale, lower_is_better=lower_is_better)
    return Comparison(
        before=before,
        after=after,
        scale=scale,
        lower_is_better=lower_is_better,
        margin=margin_bp / 10_000,
        gains=gains,
        bounds=statistics.difference_bounds(gains, seed=SEED),
        pessimistic=worst,
    )


def compare_runs(
    baseline: Sequence[CaseResult],
    candidate: Sequence[CaseResult],
    metrics: Collection[str],
    lower: Iterable[str],
    *,
    margins: Mapping[str, int] | None = None,
    beside: Mapping[str, Claim | None] | None = None,
    ranges: Mapping[str, tuple[float, float]] = RANGES,
) -> dict[str, Any]:
    """Per metric: all of `comparison_json`, Holm over the metrics, the cases that got worse and better.

    ``change`` is ``worse`` or ``better`` where the whole interval lies on that side of zero, else ``none``. `margins`
    holds, in basis points, by how much each metric may be worse; none where it is silent. Where there are margins, Holm
    goes over the metrics that have one, and over what is claimed `beside` them by any other name; a claim of which
    nothing was measured counts among them as undecided.
    """
    better_low, margins = set(lower), margins or {}
    claims: dict[str, Comparison] = {}
    told: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for name in sorted(metrics):
        found = compare(
            baseline,
            candidate,
            name,
            lower_is_better=name in better_low,
            margin_bp=margins.get(name, 0),
            declared=ranges.get(name),
        )
        if found is not None:
            told[name] = comparison_json(found), _cases(found)
            # The claims are looked at together; by then nothing of the cases is needed.
            if name in margins or not margins:
                claims[name] = replace(found, before=(), after=(), gains=(), pessimistic=())
        # Nor is it while the next metric is compared, of which there would then be two in memory.
        del found
    family: dict[str, Claim | None] = {**(beside or {}), **dict.fromkeys(margins)}
    family |= {name: found.claim for name, found in claims.items()}
    joint = statistics.together(family)
    return {
        name: {**told[name][0], **_held(name, claims, joint, len(family)), **told[name][1]}
        if name in told
        else {"n": 0, "change": "unknown"}
        for name in sorted(metrics)
    }


def difference_json(found: Comparison, *, alpha: float = ALPHA) -> dict[str, int]:
    """The mean paired difference with its interval, in basis points."""
    interval = found.difference(statistics.interval_of(found.bounds, alpha=alpha, floor=-1.0))
    return {
        "diff_bp": basis_points(_mean(found.after) - _mean(found.before)),
        "low_bp": basis_points(interval.low),
        "high_bp": basis_points(interval.high),
        "n": len(found.gains),
    }


def comparison_json(found: Comparison, *, alpha: float = ALPHA) -> dict[str, Any]:
    """Everything that is said of one metric by itself. Shares and probabilities are integer basis points.

    `not_worse_p_bp` is the one-sided p of "worse by more than the margin", `worse_p_bp` that of its contrary; p are
    rounded up and never 0. `worse_probability_bp` stands where values are rates, `mcnemar_p_bp` where each is 0 or 1.
    """
    gain, claim = _gain_bp(found, alpha), found.claim
    return {
        **difference_json(found, alpha=alpha),
        "before_bp": basis_points(_mean(found.before)),
        "after_bp": basis_points(_mean(found.after)),
        "clusters": statistics.count_clusters(found.gains),
        "lower_is_better": found.lower_is_better,
        "change": _change(gain),
        **_mcnemar(found),
        **_pessimistic_json(found, alpha),
        "margin_bp": basis_points(found.margin),
        "decision": statistics.at_least(gain, -basis_points(found.margin)).value,
        "not_worse_p_bp": _p_bp(statistics.p_at_most(claim.bounds, claim.floor)),
        "worse_p_bp": _p_bp(statistics.p_at_least(claim.bounds, claim.floor)),
        **_posterior(found),
        "detectable_bp": basis_points(statistics.detectable(found.gains, alpha=alpha) * found.scale.width),
    }


def _pessimistic(
    baseline: Sequence[CaseResult],
    candidate: Sequence[CaseResult],
    metric: str,
    scale: Scale,
    *,
    lower_is_better: bool,
) -> Sequence[Observation]:
    """Gains over every case of either run: unscored ones are best before and worst after."""
    worst, best = (scale.high, scale.low) if lower_is_better else (scale.low, scale.high)
    old = pessimistic_values(baseline, metric, best)
    new = pessimistic_values(candidate, metric, worst)
    sign = (-1 if lower_is_better else 1) / scale.width
    before, after = _shared(old, new)
    gains = _gains(before, after, sign)
    if len(old) == len(new) == len(after):
        return gains
    both = {row.case_id for row in after}
    alone = [
        *(Observation(sign * (worst - row.value), row.cluster) for row in old if row.case_id not in both),
        *(Observation(sign * (row.value - best), row.cluster) for row in new if row.case_id not in both),
    ]
    return [*gains, *alone]


def _gains(before: Sequence[CaseValue], after: Sequence[CaseValue], sign: float) -> Sequence[Observation]:
    sides = zip(held_by(before), held_by(after), strict=True)
    return observed(after, array("d", (sign * (new - old) for old, new in sides)))


def _shared(before: Sequence[CaseValue], after: Sequence[CaseValue]) -> tuple[Sequence[CaseValue], Sequence[CaseValue]]:
    """The values of the cases that both have; each side stands in the order of case ids."""
    left, right = array("I"), array("I")
    going = enumerate(ids_of(after))
    place, name = next(going, (0, None))
    for number, case_id in enumerate(ids_of(before)):
        while name is not None and name < case_id:
            place, name = next(going, (0, None))
        if name == case_id:
            left.append(number)
            right.append(place)
    return taken(before, left), taken(after, right)


def _pessimistic_json(found: Comparison, alpha: float) -> dict[str, int]:
    gains = found.pessimistic
    interval = found.difference(statistics.difference_interval(gains, seed=SEED, alpha=alpha))
    mean = statistics.mean(statistics.values_of(gains))
    return {
        "pessimistic_diff_bp": basis_points(found.difference(Interval(mean, mean)).low),
        "pessimistic_low_bp": basis_points(interval.low),
        "pessimistic_high_bp": basis_points(interval.high),
    }


def _posterior(found: Comparison) -> dict[str, int]:
    if not (all_binary(found.before) and all_binary(found.after)):
        return {}
    before, after = (_rate(rows) for rows in (found.before, found.after))
    worse = statistics.probability_worse(before, after, margin=found.margin, lower_is_better=found.lower_is_better)
    return {"worse_probability_bp": basis_points(worse)}


def _rate(rows: Sequence[CaseValue]) -> Rate:
    observations = observed(rows)
    return Rate(statistics.mean(statistics.values_of(observations)), statistics.effective_size(observations))


def _held(name: str, claims: Mapping[str, Comparison], joint: Mapping[str, Joint], family: int) -> dict[str, Any]:
    return {"holm": _holm(claims[name], joint[name], family)} if name in claims else {}


def _holm(found: Comparison, joint: Joint, claims: int) -> dict[str, Any]:
    interval = found.difference(joint.interval)
    return {
        "claims": claims,
        "decision": joint.decision.value,
        "not_worse_p_bp": _p_bp(joint.p_pass),
        "worse_p_bp": _p_bp(joint.p_fail),
        "low_bp": basis_points(interval.low),
        "high_bp": basis_points(interval.high),
    }


def _cases(found: Comparison) -> dict[str, Any]:
    sign = -1 if found.lower_is_better else 1
    worse = ((sign * (new - old), name, old, new) for name, old, new in found.changes if sign * (new - old) < 0)
    better = ((sign * (old - new), name, old, new) for name, old, new in found.changes if sign * (new - old) > 0)
    gained = statistics.values_of(found.gains)
    return {
        "worsened": [_listed(row) for row in heapq.nsmallest(MAX_LISTED, worse)],
        "improved": [_listed(row) for row in heapq.nsmallest(MAX_LISTED, better)],
        "worsened_count": sum(gain < 0 for gain in gained),
        "improved_count": sum(gain > 0 for gain in gained),
    }


def _gain_bp(found: Comparison, alpha: float) -> Interval:
    """The gain's limits in the basis points that are shown: what policy reads must lead to the same decision."""
    limits = found.scale.difference(statistics.interval_of(found.bounds, alpha=alpha, floor=-1.0))
    return Interval(basis_points(limits.low), basis_points(limits.high))


def _change(gain: Interval) -> str:
    if gain.high < 0:
        return "worse"
    return "better" if gain.low > 0 else "none"


def _mcnemar(found: Comparison) -> dict[str, int]:
    sides = held_by(found.before), held_by(found.after)
    if not set(chain(*sides)) <= {0.0, 1.0}:
        return {}
    lost = sum(old > new for old, new in zip(*sides, strict=True))
    won = sum(new > old for old, new in zip(*sides, strict=True))
    return {"mcnemar_p_bp": basis_points(statistics.mcnemar(lost, won))}


def _mean(rows: Sequence[CaseValue]) -> float:
    return statistics.mean(held_by(rows))


def _p_bp(p: float) -> int:
    """Rounded up, since no test is ever certain."""
    return max(1, min(10_000, math.ceil(p * 10_000)))


def _listed(row: tuple[float, str, float, float]) -> dict[str, Any]:
    _, name, old, new = row
    return {"case": name, "before_bp": basis_points(old), "after_bp": basis_points(new)}
