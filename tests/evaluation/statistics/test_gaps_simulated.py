"""By simulation: the interval of the largest gap between groups misses as seldom as it says, though it was chosen."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sekisho.evaluation.case_values import CaseValue, Scale
from sekisho.evaluation.gaps import gap_of
from sekisho.evaluation.statistics import ALPHA
from tests.evaluation.statistics.observed import least, most

ROUNDS = 200
AT_MOST = 0.035
"""What a tail of 2.5 % may be for discrete data."""


def gap(rng: random.Random, chances: dict[str, float], n: int, *, paired: bool = False) -> dict[str, Any]:
    """The gap in a rate between groups of `n` cases; those of a pair are as hard as each other."""
    hard = [rng.random() < 0.3 for _ in range(n)]
    members = {
        group: [
            CaseValue(
                case_id=f"{group}{number:03}",
                value=float(rng.random() < (chance - 0.35 if hard[number] else chance + 0.15)),
                cluster=f"d{number}" if paired else f"{group}{number}",
                pair=f"p{number:03}" if paired else None,
                slices={},
                binary=True,
            )
            for number in range(n)
        ]
        for group, chance in chances.items()
    }
    found = gap_of(members, scale=Scale(), lower_is_better=False, alpha=ALPHA)
    assert found is not None
    return found


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("groups", ["ab", "abcd"])
def test_groups_that_are_alike_seldom_show_a_gap(groups: str, paired: bool) -> None:
    """The lower limit of the largest of six differences lies above zero no oftener than that of one."""
    rng = random.Random(7)
    found = [gap(rng, dict.fromkeys(groups, 0.7), 60, paired=paired) for _ in range(ROUNDS)]
    # The better of two is called the best: of two sides either may be it, hence both tails.
    assert sum(one["low_bp"] > 0 for one in found) <= most(ROUNDS, 2 * AT_MOST)


@pytest.mark.parametrize("paired", [False, True])
def test_a_true_gap_is_seldom_beyond_the_upper_limit(paired: bool) -> None:
    """Policy caps the upper limit: it may not lie below what the gap is."""
    rng = random.Random(8)
    found = [gap(rng, {"a": 0.8, "b": 0.65, "c": 0.75}, 60, paired=paired) for _ in range(ROUNDS)]
    assert sum(one["high_bp"] < 1500 for one in found) <= most(ROUNDS, AT_MOST)


def test_a_large_gap_is_found() -> None:
    """An interval that always reached zero would never be wrong; this one does not."""
    rng = random.Random(9)
    found = [gap(rng, {"a": 0.8, "b": 0.4}, 100) for _ in range(50)]
    assert sum(one["low_bp"] > 0 for one in found) >= least(50, 0.9)


def test_a_group_of_three_cases_leaves_the_gap_open() -> None:
    """However the three came out: the upper limit stays far, and the lower one does not rise above zero."""
    rng = random.Random(10)
    for _ in range(50):
        large = [CaseValue(f"a{n:03}", float(rng.random() < 0.8), f"a{n}", None, {}, True) for n in range(100)]
        small = [CaseValue(f"b{n:03}", float(rng.random() < 0.8), f"b{n}", None, {}, True) for n in range(3)]
        found = gap_of({"a": large, "b": small}, scale=Scale(), lower_is_better=False, alpha=ALPHA)
        assert found is not None
        assert found["high_bp"] - found["low_bp"] > 2_500
