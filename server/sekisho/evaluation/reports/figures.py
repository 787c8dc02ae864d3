"""The figures of the HTML report: where every mark stands, in per cent of its drawing's width, and whose cases.

Pure. Widths in per cent let a drawing fill a phone or a page without stretching its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekisho.evaluation.reports.numbers import Number, further, pessimistic
from sekisho.evaluation.reports.shape import Bin, CaseView, Report

LISTED: Final = 8
BAR_HEIGHT: Final = 64


@dataclass(frozen=True, slots=True)
class Scale:
    """From values in basis points to places in per cent."""

    low: float
    high: float

    def at(self, value: float) -> float:
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """(place, value) of five ticks."""
        return [(25.0 * n, self.low + (self.high - self.low) * n / 4) for n in range(5)]


@dataclass(frozen=True, slots=True)
class Row:
    """One interval of a figure: places of mean and limits (none where nothing was scored), the part, its cases."""

    id: str
    label: str
    part: Mapping[str, Any]
    cases: Sequence[str]
    places: tuple[float, float, float] | None
    outer: tuple[float, float] | None = None
    further: Sequence[Number] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin: its limits and count, its height and, where there is a baseline, that of the bin before."""

    id: str
    bin: Bin
    height: float
    before: Bin | None
    before_height: float


@dataclass(frozen=True, slots=True)
class Slices:
    """One metric by one axis."""

    metric: str
    axis: str
    gap: Mapping[str, Any] | None
    scale: Scale
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Histogram:
    metric: str
    bars: Sequence[Bar]
    total: int


def metric_rows(report: Report) -> list[tuple[Scale, Row]]:
    metrics = _metrics(report)
    return [
        (_scale(metric), _row(f"m{place}", name, metric, _worst_by(report["cases"], name, metric)))
        for place, (name, metric) in enumerate(metrics.items())
    ]


def slice_figures(report: Report) -> list[Slices]:
    found = []
    for metric_place, (name, metric) in enumerate(_metrics(report).items()):
        for axis_place, (axis, groups) in enumerate(metric.get("slices", {}).items()):
            rows = []
            for place, (group, part) in enumerate(groups.items()):
                held = [case for case in report["cases"] if case["slices"].get(axis) == group]
                rows.append(_row(f"s{metric_place}-{axis_place}-{place}", group, part, _worst_by(held, name, metric)))
            found.append(Slices(name, axis, metric.get("gaps", {}).get(axis), _scale(metric, groups.values()), rows))
    return found


def histograms(report: Report) -> list[Histogram]:
    old = report["comparison"]["distributions"] if "comparison" in report else {}
    return [
        _histogram(f"h{place}", name, bins, old.get(name, []))
        for place, (name, bins) in enumerate(report["distributions"].items())
        if bins
    ]


def change_rows(report: Report) -> tuple[Scale, list[Row]]:
    """Differences of every metric on one scale around zero."""
    metrics = report["comparison"]["metrics"]
    edges = [abs(metric[edge]) for metric in metrics.values() for edge in ("low_bp", "high_bp") if edge in metric]
    reach = max([500, *edges])
    scale = Scale(-reach, reach)
    rows = []
    for place, (name, metric) in enumerate(metrics.items()):
        cases = [row["case"] for row in metric.get("worsened", ())][:LISTED]
        places = None
        if "diff_bp" in metric:
            places = (scale.at(metric["diff_bp"]), scale.at(metric["low_bp"]), scale.at(metric["high_bp"]))
        rows.append(Row(f"d{place}", name, metric, cases, places, None, tuple(further(metric))))
    return scale, rows


def segments(answer: str, flagged: Sequence[str]) -> list[tuple[str, int | None]]:
    """The answer cut into (text, number of its flag), numbers from 1. A flag that it does not hold marks nothing."""
    spans: list[tuple[int, int, int]] = []
    for number, text in enumerate(flagged, 1):
        start = answer.find(text) if text else -1
        if start >= 0 and all(start >= end or start + len(text) <= begin for begin, end, _ in spans):
            spans.append((start, start + len(text), number))
    parts: list[tuple[str, int | None]] = []
    seen = 0
    for start, end, number in sorted(spans):
        parts += [(answer[seen:start], None), (answer[start:end], number)]
        seen = end
    return [part for part in (*parts, (answer[seen:], None)) if part[0]]


def _metrics(report: Report) -> Mapping[str, Mapping[str, Any]]:
    return (report["run"].get("summary") or {"metrics": {}})["metrics"]


def _row(name: str, label: str, part: Mapping[str, Any], cases: Sequence[str]) -> Row:
    scale, outer = _scale(part), pessimistic(part)
    places = None
    if "mean_bp" in part:
        places = (scale.at(part["mean_bp"]), scale.at(part["low_bp"]), scale.at(part["high_bp"]))
    wide = (scale.at(outer[0]), scale.at(outer[1])) if outer else None
    return Row(name, label, part, cases, places, wide, tuple(further(part)))


def _scale(part: Mapping[str, Any], others: Iterable[Mapping[str, Any]] = ()) -> Scale:
    """From 0 to 1; wider where a value lies beyond."""
    edges = [one[edge] for one in (part, *others) for edge in ("low_bp", "high_bp", "mean_bp") if edge in one]
    return Scale(min(0, *edges, 0), max(10_000, *edges, 10_000))


def _worst_by(cases: Iterable[CaseView], metric: str, declared: Mapping[str, Any]) -> list[str]:
    sign = -1 if declared.get("lower_is_better") else 1
    scored = [
        (sign * case["scores"][metric]["value"], place, case["case"])
        for place, case in enumerate(cases)
        if "value" in case["scores"].get(metric, {})
    ]
    return [case for _, _, case in sorted(scored)[:LISTED]]


def _histogram(name: str, metric: str, bins: Sequence[Bin], old: Sequence[Bin]) -> Histogram:
    # Bins of two runs stand beside each other only where they have the same limits.
    same = [one["low_bp"] for one in bins] == [one["low_bp"] for one in old]
    highest = max(one["n"] for one in (*bins, *(old if same else ())))
    bars = []
    for place, one in enumerate(bins):
        before = old[place] if same else None
        bars.append(
            Bar(
                f"{name}-{place}",
                one,
                _height(one["n"], highest),
                before,
                _height(before["n"] if before else 0, highest),
            )
        )
    return Histogram(metric, bars, sum(one["n"] for one in bins))


def _height(n: int, highest: int) -> float:
    return 0.0 if n == 0 else max(2.0, round(BAR_HEIGHT * n / highest, 1))
