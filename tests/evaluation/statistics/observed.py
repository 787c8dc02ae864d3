"""Observations for property tests, and how many misses a simulation may show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from scipy import stats

from sekisho.evaluation.statistics import Observation

CLUSTERS = st.sampled_from("abcdefgh")
Pairs = list[tuple[float, str]]


def scored(values: st.SearchStrategy[float], least: int = 1) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(values, CLUSTERS), min_size=least, max_size=40)


# Sixty-fourths, since one minus a float is not always its mirror image.
SHARES = scored(st.integers(0, 64).map(lambda part: part / 64))
RATES = scored(st.sampled_from([0.0, 1.0]))
CHANGES = scored(st.sampled_from([-1.0, 0.0, 1.0]))
DIFFERENCES = scored(st.integers(-64, 64).map(lambda part: part / 64))


def observed(pairs: Sequence[tuple[float, str]]) -> list[Observation]:
    return [Observation(value, cluster) for value, cluster in pairs]


def copied(pairs: Sequence[tuple[float, str]], times: int) -> list[Observation]:
    """The same again from other documents."""
    return [Observation(value, f"{cluster}{number}") for number in range(times) for value, cluster in pairs]


def most(rounds: int, probability: float) -> int:
    """What a count of so many rounds exceeds less than once in a million, where the event is no more probable."""
    limit: Any = stats.binom.isf(1e-6, rounds, probability)
    return int(limit)


def least(rounds: int, probability: float) -> int:
    """What a count of so many rounds falls short of less than once in a million, of a likelier event."""
    return rounds - most(rounds, 1 - probability)
