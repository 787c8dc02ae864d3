"""By simulation: intervals hold the truth as often as they say, and re-running helps nobody.

The bounds on the counts are such that a right implementation exceeds them less than once in a million seeds.
"""

from __future__ import annotations

import random
from functools import partial

import pytest
from benchmarks.verdicts import TRUE_RANK, Rounds, floor_decision, judged, margin_decision, measure, passes_of, ranks

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Decision, Observation
from tests.evaluation.statistics.observed import least, most

AT_MOST = 0.035
"""What a tail of 2.5 % may be for discrete data and few documents."""


@pytest.mark.parametrize("per_document", [1, 10])
@pytest.mark.parametrize("n", [50, 200])
def test_a_rate_at_its_floor_is_seldom_passed_or_failed(n: int, per_document: int) -> None:
    """Each side of Wilson's interval misses the truth about 2.5 times in a hundred, clustered or not."""
    rounds = 600
    found = judged(partial(floor_decision, n=n, truth=0.8, per_document=per_document), rounds)
    assert found[Decision.PASS] <= most(rounds, AT_MOST)
    assert found[Decision.FAIL] <= most(rounds, AT_MOST)


@pytest.mark.parametrize("per_document", [1, 10])
@pytest.mark.parametrize("n", [50, 200])
def test_a_change_at_its_margin_is_seldom_passed_or_failed(n: int, per_document: int) -> None:
    """The same of paired differences; a bootstrap passes 5 to 9 in a hundred here."""
    rounds = 600
    found = judged(partial(margin_decision, n=n, gain=-0.03, per_document=per_document), rounds)
    assert found[Decision.PASS] <= most(rounds, AT_MOST)
    assert found[Decision.FAIL] <= most(rounds, AT_MOST)


def test_what_is_clearly_good_passes_and_what_is_clearly_bad_fails() -> None:
    """A verdict that were always inconclusive would never be wrong; this one is not."""
    good, bad = (judged(partial(floor_decision, n=500, truth=p, per_document=1), 200) for p in (0.9, 0.7))
    assert good[Decision.PASS] >= least(200, 0.99)
    assert bad[Decision.FAIL] >= least(200, 0.99)


def test_a_skewed_mean_is_held_by_its_interval() -> None:
    """Reciprocal ranks of 30 documents, one in four of them hard: near 95 %."""
    rng, rounds, held = random.Random(4), 200, 0
    for _ in range(rounds):
        interval = statistics.bootstrap(ranks(rng, 30, 5), seed=1, floor=0, ceiling=1)
        held += interval.low <= TRUE_RANK <= interval.high
    assert held >= least(rounds, 0.93)


def test_forgetting_the_documents_is_caught() -> None:
    """The same simulation finds an interval that takes clustered cases as independent far too narrow."""
    rng, rounds, held = random.Random(4), 200, 0
    for _ in range(rounds):
        alone = [Observation(row.value, str(number)) for number, row in enumerate(ranks(rng, 12, 30))]
        interval = statistics.bootstrap(alone, seed=1, floor=0, ceiling=1)
        held += interval.low <= TRUE_RANK <= interval.high
    assert held < least(rounds, 0.93)


def test_twenty_re_runs_pass_nothing_that_the_first_did_not() -> None:
    """Under the pooling rule; the best of twenty runs passes a version at the floor one time in four."""
    rng, rounds = random.Random(6), 60
    passed = [passes_of(rng, 1.0, 120) for _ in range(rounds)]
    assert all("one run" in rules for rules in passed if "pooled" in rules)
    assert sum("pooled" in rules for rules in passed) <= most(rounds, AT_MOST)
    assert sum("best run" in rules for rules in passed) >= least(rounds, 0.25)


def test_the_benchmark_says_all_of_it() -> None:
    """Every line of the table, at a size that shows only that it runs."""
    figures = list(measure(Rounds(verdicts=1, means=1, reruns=1)))
    assert len(figures) == 40 + 30 + 8 + 3
    assert all(figure.what and figure.value for figure in figures)
