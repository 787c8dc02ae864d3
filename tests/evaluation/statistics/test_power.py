"""The minimum detectable effect."""

from __future__ import annotations

import random

import pytest
from hypothesis import given

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Observation
from tests.evaluation.statistics.observed import CHANGES, Pairs, copied, least, most, observed


def test_it_is_the_textbooks_number() -> None:
    """A hundred independent pairs of standard deviation .5: (1.984 + .845) times .05."""
    rows = [Observation(0.5 if n % 2 else -0.5, str(n)) for n in range(100)]
    error = statistics.paired_error(rows)
    assert error == pytest.approx(0.5 / 99**0.5)
    assert statistics.detectable(rows) == pytest.approx((1.98422 + 0.84523) * 0.5 / 99**0.5, rel=1e-3)


@given(CHANGES)
def test_more_documents_find_less(pairs: Pairs) -> None:
    """Between 0 and 1, never 0, and smaller with four times as many of the same."""
    few, many = statistics.detectable(observed(pairs)), statistics.detectable(copied(pairs, 4))
    assert 0 < many <= few <= 1


def test_one_document_and_equal_pairs() -> None:
    """One document can show nothing; pairs that all agree could still have hidden something."""
    assert statistics.detectable([Observation(float(n % 2), "only.md") for n in range(40)]) == 1.0
    assert 0.05 < statistics.detectable([Observation(0.0, str(n)) for n in range(100)]) < 0.1


def test_clusters_hide_more() -> None:
    """The same differences from few documents, each of one mind."""
    apart = [Observation(0.5 if n % 2 else -0.5, str(n)) for n in range(100)]
    together = [Observation(0.5 if n % 2 else -0.5, str(n % 10)) for n in range(100)]
    assert statistics.detectable(together) > 2 * statistics.detectable(apart)


def test_a_difference_of_that_size_is_found_four_times_in_five() -> None:
    """By simulation: differences of this spread, moved by the detectable effect, have an interval above zero."""
    rng, rounds, found = random.Random(9), 400, 0
    effect = (
        statistics.detectable([Observation(rng.uniform(-0.5, 0.5), str(n)) for n in range(5_000)])
        * (5_000 / 150) ** 0.5
    )
    for _ in range(rounds):
        rows = [Observation(effect + rng.uniform(-0.5, 0.5), str(n)) for n in range(150)]
        found += statistics.difference_interval(rows, seed=1).low > 0
    assert least(rounds, 0.78) <= found <= most(rounds, 0.82)
