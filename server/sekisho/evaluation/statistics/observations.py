"""What the intervals are made from: values, each with the cluster that it came from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ALPHA: Final = 0.05
"""Two-sided: intervals hold the truth 95 times in 100, and each end is missed at most 2.5 times."""


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Observation:
    """One value, and the cluster that it came from."""

    value: float
    cluster: str


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; exact summation, so that the order of rows cannot change it."""
    return math.fsum(values) / len(values)


def by_cluster(observations: Sequence[Observation]) -> list[list[float]]:
    """Values per cluster, clusters in the order of their names: seeded draws must not depend on row order."""
    grouped: dict[str, list[float]] = {}
    for observation in observations:
        grouped.setdefault(observation.cluster, []).append(observation.value)
    return [sorted(grouped[name]) for name in sorted(grouped)]


def level(values: Sequence[float]) -> bool:
    """Whether all are equal, so that there is no spread to learn from."""
    return min(values) == max(values)
