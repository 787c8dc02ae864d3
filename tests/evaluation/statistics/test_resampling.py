"""The bootstrap: beside scipy's, and its two ways of reading the tails."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Interval, Method, Observation
from sekisho.evaluation.statistics.resampling import sampled


def skewed(clusters: int, seed: int = 5) -> list[float]:
    rng = random.Random(seed)
    return [rng.choice([0.0, 0.25, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0]) for _ in range(clusters)]


@pytest.mark.parametrize("method", list(Method))
def test_the_bootstrap_equals_scipys_at_the_widened_level(method: Method) -> None:
    """Unclustered, one value a document; what differs is the luck of the draws, a tenth of the width at most."""
    values = skewed(40)
    rows = [Observation(value, f"{number:03}") for number, value in enumerate(values)]
    ours = statistics.bootstrap(rows, seed=2, floor=0, ceiling=1, method=method)
    reach = math.sqrt(40 / 39) * statistics.t_quantile(0.975, 39)
    theirs = stats.bootstrap(
        (np.array(values),),
        np.mean,
        method={"bca": "BCa", "percentile": "percentile"}[method.value],
        n_resamples=20_000,
        confidence_level=1 - 2 * float(stats.norm.sf(reach)),
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.1 * (theirs.high - theirs.low))
    assert ours.high == pytest.approx(theirs.high, abs=0.1 * (theirs.high - theirs.low))


@pytest.mark.parametrize("t", [1.0, 1.984, 2.6])
def test_moments_say_what_draws_say(t: float) -> None:
    """With a hundred clusters the computed limits lie where BCa's draws do, within a twentieth of the width."""
    drawn = sampled([[(value, 1) for value in skewed(100)]], seed=3, resamples=20_000)
    computed = replace(drawn, draws=(), bias=drawn.moments.acceleration)
    width = drawn.high(t) - drawn.low(t)
    assert drawn.draws
    assert computed.low(t) == pytest.approx(drawn.low(t), abs=width / 20)
    assert computed.high(t) == pytest.approx(drawn.high(t), abs=width / 20)


def test_bca_reaches_further_where_the_tail_is_long() -> None:
    """Most ranks are 1 and some are late: the truth is more often below the mean than the percentiles think."""
    rows = [Observation(value, str(number)) for number, value in enumerate(skewed(40))]
    bca, percentile = (
        statistics.bootstrap(rows, seed=2, floor=0, ceiling=1, method=method)
        for method in (Method.BCA, Method.PERCENTILE)
    )
    assert bca.low < percentile.low
    assert bca.high < percentile.high


def test_few_clusters_reach_as_far_as_students_t() -> None:
    """Five draws from five clusters cannot look beyond the outermost of them; t does."""
    values = [0.4, 0.5, 0.5, 0.6, 0.9]
    rows = [Observation(value, str(number)) for number, value in enumerate(values)]
    interval = statistics.bootstrap(rows, seed=1, floor=0, ceiling=1)
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert interval.low <= expected.low + 1e-9
    assert interval.high >= min(1.0, expected.high) - 1e-9


def test_clusters_that_agree_by_luck_do_not_narrow() -> None:
    """Six documents with the same mean and very different answers: the cases' own spread counts."""
    rows = [Observation(value, str(document)) for document in range(6) for value in (0.1, 0.9, 0.2, 0.8)]
    interval = statistics.bootstrap(rows, seed=1, floor=0, ceiling=1)
    assert interval.low < 0.35
    assert interval.high > 0.65


def test_one_cluster_is_the_whole_range() -> None:
    """Whatever its values are."""
    rows = [Observation(value / 10, "only.md") for value in range(10)]
    assert statistics.bootstrap(rows, seed=1, floor=-1, ceiling=1) == Interval(-1, 1)
