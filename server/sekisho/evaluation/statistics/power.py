"""How small a difference a comparison could have found."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Final

from sekisho.evaluation.statistics.intervals import Score
from sekisho.evaluation.statistics.observations import (
    ALPHA,
    Observation,
    by_cluster,
    count_clusters,
    level,
    mean,
    values_of,
)
from sekisho.evaluation.statistics.quantiles import t_quantile
from sekisho.evaluation.statistics.resampling import clustered_error

POWER: Final = 0.8


def paired_error(differences: Sequence[Observation]) -> float | None:
    """Standard error of the mean paired difference over clusters; None where one cluster tells nothing of others.

    It is never below that of independent pairs, since clusters agree by luck at most. Where all differences are equal
    it is that of the largest share of pairs that could still differ by one (Wilson's upper limit for none among n).
    """
    clusters = by_cluster(differences)
    if len(clusters) < 2:
        return None
    values = values_of(differences)
    if level(values):
        return math.sqrt(Score(0.0, len(values)).high(t_quantile(1 - ALPHA / 2, None)) / len(values))
    centre = mean(values)
    clustered = clustered_error(
        array("d", (math.fsum(v - centre for v in cluster) for cluster in clusters)), len(values)
    )
    return max(clustered, clustered_error(array("d", (v - centre for v in values)), len(values)))


def detectable(differences: Sequence[Observation], *, alpha: float = ALPHA, power: float = POWER) -> float:
    """The minimum detectable effect: a true difference of this size is found with probability `power`.

    (t for alpha, two-sided, plus t for power) times the observed paired standard error (Bloom 1995). At most 1, which
    says that nothing could have been found.
    """
    error = paired_error(differences)
    if error is None:
        return 1.0
    freedom = count_clusters(differences) - 1
    return min(1.0, (t_quantile(1 - alpha / 2, freedom) + t_quantile(power, freedom)) * error)
