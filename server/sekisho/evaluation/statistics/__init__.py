"""Intervals and tests, in plain Python so that the API process needs no numpy. Everything seeded, everything pure."""

from __future__ import annotations

from sekisho.evaluation.statistics.decisions import Decision, at_least, at_most, non_inferior
from sekisho.evaluation.statistics.intervals import (
    Bounds,
    bootstrap,
    effective_size,
    interval_of,
    mean_bounds,
    mean_interval,
    unpaired_bounds,
    unpaired_difference,
    wilson,
)
from sekisho.evaluation.statistics.multiplicity import Claim, Joint, holm, together
from sekisho.evaluation.statistics.numbers import ANCHORS, explained
from sekisho.evaluation.statistics.observations import (
    ALPHA,
    Interval,
    Observation,
    Observed,
    changed,
    count_clusters,
    mean,
    values_of,
)
from sekisho.evaluation.statistics.paired import (
    difference_bounds,
    difference_interval,
    mcnemar,
    p_at_least,
    p_at_most,
)
from sekisho.evaluation.statistics.posterior import Rate, probability_worse
from sekisho.evaluation.statistics.power import detectable, paired_error
from sekisho.evaluation.statistics.quantiles import beta_cdf, t_central, t_quantile, t_tail
from sekisho.evaluation.statistics.resampling import RESAMPLES, Method

__all__ = [
    "ALPHA",
    "ANCHORS",
    "RESAMPLES",
    "Bounds",
    "Claim",
    "Decision",
    "Interval",
    "Joint",
    "Method",
    "Observation",
    "Observed",
    "Rate",
    "at_least",
    "at_most",
    "beta_cdf",
    "bootstrap",
    "changed",
    "count_clusters",
    "detectable",
    "difference_bounds",
    "difference_interval",
    "effective_size",
    "explained",
    "holm",
    "interval_of",
    "mcnemar",
    "mean",
    "mean_bounds",
    "mean_interval",
    "non_inferior",
    "p_at_least",
    "p_at_most",
    "paired_error",
    "probability_worse",
    "t_central",
    "t_quantile",
    "t_tail",
    "together",
    "unpaired_bounds",
    "unpaired_difference",
    "values_of",
    "wilson",
]
