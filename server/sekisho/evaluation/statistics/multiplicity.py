"""Several claims at once: Holm's step-down, with p-values, decisions and bounds that hold together.

Ten true claims, each tested at 2.5 %, fail by chance more than one time in five. Holm (1979) keeps the probability of
any wrong one at the level, whatever the dependence between them, and loses less than Bonferroni.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.evaluation.statistics.decisions import Decision
from sekisho.evaluation.statistics.intervals import Bounds, interval_of
from sekisho.evaluation.statistics.observations import ALPHA, Interval
from sekisho.evaluation.statistics.paired import p_at_least, p_at_most


@dataclass(frozen=True, slots=True)
class Claim:
    """That something is at least `floor`; `bounds` are the limits of its estimate, more being better."""

    bounds: Bounds
    floor: float


@dataclass(frozen=True, slots=True)
class Joint:
    """What holds of one claim among several.

    `p_pass` is the adjusted p of "below the floor", `p_fail` that of "at least the floor". The interval has the
    coverage of all intervals together.
    """

    decision: Decision
    p_pass: float
    p_fail: float
    interval: Interval


def holm(p_values: Mapping[str, float], *, unknown: int = 0) -> dict[str, float]:
    """Adjusted p-values (Holm 1979): the i-th smallest of k times (k - i + 1), never below a smaller one's.

    `unknown` claims belong to the same k and have no p yet: theirs are taken as 1, which is right whatever they are.
    """
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        highest = max(highest, min(1.0, p_values[name] * (len(p_values) + unknown - rank)))
        adjusted[name] = highest
    return adjusted


def together(
    claims: Mapping[str, Claim | None], *, alpha: float = ALPHA, floor: float = -1.0, ceiling: float = 1.0
) -> dict[str, Joint]:
    """Decisions on all claims such that any wrong pass, and any wrong fail, has a probability of at most alpha/2.

    One that is None belongs to them and has no estimate: it stays undecided, and nothing is told of it.
    """
    known = {name: claim for name, claim in claims.items() if claim is not None}
    unknown = len(claims) - len(known)
    passing = holm({name: p_at_most(one.bounds, one.floor) for name, one in known.items()}, unknown=unknown)
    failing = holm({name: p_at_least(one.bounds, one.floor) for name, one in known.items()}, unknown=unknown)
    passed = {name for name, p in passing.items() if p <= alpha / 2}
    failed = {name for name, p in failing.items() if p <= alpha / 2}
    return {
        name: Joint(
            decision=_decided(name, passed, failed),
            p_pass=passing[name],
            p_fail=failing[name],
            interval=Interval(
                max(floor, _end(claim, name in passed, len(claims), len(passed), alpha, upper=False)),
                min(ceiling, _end(claim, name in failed, len(claims), len(failed), alpha, upper=True)),
            ),
        )
        for name, claim in known.items()
    }


def _decided(name: str, passed: set[str], failed: set[str]) -> Decision:
    if name in passed:
        return Decision.PASS
    return Decision.FAIL if name in failed else Decision.INCONCLUSIVE


def _end(claim: Claim, decided: bool, claims: int, of_them: int, alpha: float, *, upper: bool) -> float:
    """The simultaneous bound that belongs to Holm's test (Strassburger and Bretz 2008; Guilbaud 2008).

    An undecided claim gets its bound at alpha over the number of undecided ones. A decided one ends at the floor: the
    level is spent on the others; only where all are decided may it go beyond, at alpha over their number.
    """
    if decided and of_them < claims:
        return claim.floor
    share = alpha / claims if decided else alpha / (claims - of_them)
    found = interval_of(claim.bounds, alpha=share, floor=float("-inf"), ceiling=float("inf"))
    if not decided:
        return found.high if upper else found.low
    return min(claim.floor, found.high) if upper else max(claim.floor, found.low)
