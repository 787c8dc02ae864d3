"""How well a scorer agrees with people's labels: Cohen's kappa with its interval, sensitivity, specificity. Pure.

A row that the scorer could not judge counts against it: as the opposite of its label. Beside that stands the kappa
over the judged rows alone, which says how good the judge is when it judges.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekisho.evaluation.statistics import Interval, Observation, effective_size, t_quantile, wilson
from sekisho.evaluation.types import basis_points

SEED: Final = 20_261_125
RESAMPLES: Final = 2_000
_MAX_DRAWS: Final = 2_000_000
_ALPHA: Final = 0.05


@dataclass(frozen=True, slots=True)
class Rated:
    """One labelled row. `label`: people found it at fault; `verdict`: the scorer did, None where it has no score.

    Rows of one `cluster` (the source that they were made from) are not independent.
    """

    label: bool
    verdict: bool | None
    cluster: str

    @property
    def pessimistic(self) -> bool:
        return not self.label if self.verdict is None else self.verdict


Cells = tuple[int, int, int, int]
"""Counts: fault found, fault missed, fault alleged, rightly passed (by label, then verdict)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """`kappa`, `sensitivity` and `specificity` are pessimistic; `kappa_scored` is over the judged rows, None where
    those leave it undefined. Intervals are two-sided, 95 %."""

    rows: tuple[Rated, ...]
    kappa: float
    interval: Interval
    kappa_scored: float | None
    interval_scored: Interval
    sensitivity: float
    sensitivity_interval: Interval
    specificity: float
    specificity_interval: Interval

    def as_json(self) -> dict[str, Any]:
        """Integers in basis points, and the confusion by label and verdict."""
        whole: dict[str, Any] = {
            "n": len(self.rows),
            "scored": sum(row.verdict is not None for row in self.rows),
            "clusters": len({row.cluster for row in self.rows}),
            **_bp("kappa", self.kappa, self.interval),
            **_bp("sensitivity", self.sensitivity, self.sensitivity_interval),
            **_bp("specificity", self.specificity, self.specificity_interval),
            "confusion": confusion(self.rows),
        }
        if self.kappa_scored is not None:
            whole |= _bp("kappa_scored", self.kappa_scored, self.interval_scored)
        return whole


def agreement(rows: Sequence[Rated], *, seed: int = SEED) -> Agreement:
    """Raises ValueError unless both labels occur: agreement on one answer only says nothing."""
    if len({row.label for row in rows}) < 2:
        raise ValueError("rows of both labels are needed")
    scored = [row for row in rows if row.verdict is not None]
    kappa = cohen_kappa(_cells(rows))
    assert kappa is not None  # noqa: S101  # both labels occur, so chance alone cannot agree on all
    faults = [Observation(float(row.pessimistic), row.cluster) for row in rows if row.label]
    clean = [Observation(float(not row.pessimistic), row.cluster) for row in rows if not row.label]
    return Agreement(
        rows=tuple(rows),
        kappa=kappa,
        interval=kappa_interval(rows, seed=seed),
        kappa_scored=cohen_kappa(_cells(scored)),
        interval_scored=kappa_interval(scored, seed=seed),
        sensitivity=_rate(faults),
        sensitivity_interval=_rate_interval(faults),
        specificity=_rate(clean),
        specificity_interval=_rate_interval(clean),
    )


def cohen_kappa(cells: Cells) -> float | None:
    """Agreement beyond chance, (p_o - p_e) / (1 - p_e) (Cohen 1960).

    None where both say the same one thing throughout: then chance explains all, and kappa is undefined.
    """
    n = sum(cells)
    chance = _chance(cells)
    if n == 0 or chance >= 1:
        return None
    return ((cells[0] + cells[3]) / n - chance) / (1 - chance)


def kappa_interval(rows: Sequence[Rated], *, seed: int = SEED, alpha: float = _ALPHA) -> Interval:
    """The wider of two intervals, at each end.

    The first is a cluster bootstrap: whole sources are drawn with replacement, and the percentiles are widened to
    where a t interval with (sources - 1) degrees of freedom would stand (Hesterberg 2015, section 4.4). It has no
    width for a judge that is always right, or that always says the same; so the second is Wilson's interval for the
    observed agreement at the effective sample size, put through kappa's formula with the chance agreement as it is.
    """
    whole = _cells(rows)
    if cohen_kappa(whole) is None:
        return Interval(-1.0, 1.0)
    drawn, wilsons = _bootstrap(rows, seed, alpha), _by_wilson(rows, whole, alpha)
    return Interval(max(-1.0, min(drawn.low, wilsons.low)), min(1.0, max(drawn.high, wilsons.high)))


def confusion(rows: Sequence[Rated]) -> dict[str, dict[str, int]]:
    """Counts by people's label, then by the scorer's verdict."""
    names = {True: "hallucinated", False: "supported", None: "unscored"}
    return {
        names[label]: {
            names[verdict]: sum(row.label is label and row.verdict is verdict for row in rows)
            for verdict in (True, False, None)
        }
        for label in (True, False)
    }


def _cells(rows: Sequence[Rated]) -> Cells:
    found = [0, 0, 0, 0]
    for row in rows:
        found[2 * (not row.label) + (not row.pessimistic)] += 1
    return found[0], found[1], found[2], found[3]


def _chance(cells: Cells) -> float:
    """Expected agreement of two raters with these margins who know nothing of each other."""
    both, missed, alleged, neither = cells
    n = sum(cells)
    if n == 0:
        return 1.0
    yes = (both + missed) * (both + alleged)
    no = (alleged + neither) * (missed + neither)
    return (yes + no) / (n * n)


def _by_wilson(rows: Sequence[Rated], cells: Cells, alpha: float) -> Interval:
    agreed = [Observation(float(row.label is row.pessimistic), row.cluster) for row in rows]
    size = effective_size(agreed, alpha=alpha)
    observed = wilson(_rate(agreed) * size, size, alpha=alpha)
    chance = _chance(cells)
    return Interval((observed.low - chance) / (1 - chance), (observed.high - chance) / (1 - chance))


def _bootstrap(rows: Sequence[Rated], seed: int, alpha: float) -> Interval:
    names = sorted({row.cluster for row in rows})
    clusters = len(names)
    if clusters < 2:
        return Interval(-1.0, 1.0)
    grouped: dict[str, list[Rated]] = {name: [] for name in names}
    for row in rows:
        grouped[row.cluster].append(row)
    cells = [_cells(grouped[name]) for name in names]
    rng = random.Random(seed)  # noqa: S311  # resampling, not secrecy
    rounds = max(200, min(RESAMPLES, _MAX_DRAWS // clusters))
    draws = (rng.choices(cells, k=clusters) for _ in range(rounds))
    found = sorted(kappa for draw in draws if (kappa := cohen_kappa(_sum(draw))) is not None)
    if len(found) < rounds // 2:
        return Interval(-1.0, 1.0)
    widened = math.sqrt(clusters / (clusters - 1)) * t_quantile(1 - alpha / 2, clusters - 1)
    share = 0.5 * math.erfc(widened / math.sqrt(2))
    return Interval(_quantile(found, share), _quantile(found, 1 - share))


def _sum(draw: Sequence[Cells]) -> Cells:
    columns = list(zip(*draw, strict=True))
    return sum(columns[0]), sum(columns[1]), sum(columns[2]), sum(columns[3])


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between order statistics (Hyndman and Fan's type 6)."""
    position = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _rate(observations: Sequence[Observation]) -> float:
    return math.fsum(one.value for one in observations) / len(observations)


def _rate_interval(observations: Sequence[Observation]) -> Interval:
    size = effective_size(observations)
    return wilson(_rate(observations) * size, size)


def _bp(name: str, value: float, interval: Interval) -> dict[str, int]:
    return {
        f"{name}_bp": basis_points(value),
        f"{name}_low_bp": basis_points(interval.low),
        f"{name}_high_bp": basis_points(interval.high),
    }
