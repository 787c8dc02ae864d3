"""From an interval to pass, fail or inconclusive: what lies across the limit is neither."""

from __future__ import annotations

from enum import StrEnum

from sekisho.evaluation.statistics.observations import Interval


class Decision(StrEnum):
    PASS = "pass"  # noqa: S105  # a verdict, no secret
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


def at_least(interval: Interval, floor: float) -> Decision:
    """Pass where the whole interval is at or above the floor, fail where all of it is below."""
    if interval.low >= floor:
        return Decision.PASS
    return Decision.FAIL if interval.high < floor else Decision.INCONCLUSIVE


def at_most(interval: Interval, cap: float) -> Decision:
    """Pass where the whole interval is at or below the cap, fail where all of it is above."""
    return at_least(Interval(-interval.high, -interval.low), -cap)


def non_inferior(difference: Interval, margin: float, *, lower_is_better: bool = False) -> Decision:
    """Whether a version is not worse than another by more than `margin` (at least 0).

    `difference` is candidate minus baseline. Equality of two noisy numbers proves nothing; a whole interval inside
    the margin does (the confidence-interval form of the non-inferiority test, ICH E9 and E10).
    """
    return at_most(difference, margin) if lower_is_better else at_least(difference, -margin)
