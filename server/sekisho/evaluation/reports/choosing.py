"""Which cases a report shows, found in one pass that holds no more of them than are shown. Pure.

A run may have a hundred thousand cases and a report shows some fifty; what else stands of the others is numbers. So
results may be `Columns`, and only the cases named here are read in full.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sekisho.evaluation.case_values import case_values
from sekisho.evaluation.columns import Columns, Part, measured_results
from sekisho.evaluation.reports.cases import badness
from sekisho.evaluation.types import CaseResult, Run
from sekisho.evaluation.values import count_cases

MAX_REGRESSIONS: Final = 20

Whole = Mapping[str, Sequence[CaseResult]]
"""Case → its repeats, with question and output."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`worst` of `total` cases, then the `missed` control cases, the cases that `regressed`, those that show gaps.

    `gaps` is metric → axis → pairs or cases, as the report has it but for their questions.
    """

    total: int
    worst: Sequence[str]
    missed: Sequence[str]
    regressed: Sequence[Mapping[str, Any]]
    gaps: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]

    @property
    def names(self) -> list[str]:
        """Every case that has to be read in full."""
        asked = (
            case["case"]
            for axes in self.gaps.values()
            for shown in axes.values()
            for one in shown
            for case in one["cases"]
        )
        return list(dict.fromkeys([*self.worst, *self.missed, *self.changed, *asked]))

    @property
    def changed(self) -> list[str]:
        """The cases that are to be read in full from the baseline as well."""
        return [row["case"] for row in self.regressed]


def choose(
    run: Run,
    results: Sequence[CaseResult],
    lower: frozenset[str],
    compared: Mapping[str, Any] | None = None,
    *,
    shown: int,
) -> Choice:
    """The `shown` worst cases, before them those that got worse most; `compared` is what a comparison found."""
    measured = measured_results(results)
    summary: Mapping[str, Any] = run.summary or {}
    regressed = _regressed(compared or {})
    missed = set(summary.get("controls", {}).get("missed_cases", ()))
    controls = (result for result in results if result.is_control and result.case_id in missed)
    return Choice(
        total=count_cases(measured),
        worst=worst_first(measured, lower, [row["case"] for row in regressed], shown=shown),
        missed=worst_first(list(controls) if missed else [], lower, shown=len(missed)),
        regressed=regressed,
        gaps={
            name: {axis: _showing(measured, name, axis, gap) for axis, gap in metric["gaps"].items()}
            for name, metric in summary.get("metrics", {}).items()
            if metric.get("gaps")
        },
    )


def worst_first(
    results: Sequence[CaseResult], lower: frozenset[str], first: Sequence[str] = (), *, shown: int
) -> list[str]:
    """The `shown` worst cases, each by its worst repeat; before them those that are named in `first`."""
    named = {case: place for place, case in enumerate(first)}
    ordered = (
        (named.get(case, len(named)), *min(badness(result, lower) for result in repeats), case)
        for case, repeats in by_case(results)
    )
    return [case for *_, case in heapq.nsmallest(shown, ordered)]


def by_case(results: Iterable[CaseResult]) -> Iterator[tuple[str, Iterator[CaseResult]]]:
    """The repeats of each case, cases in the order of their ids; columns stand in it already."""
    ordered = results if isinstance(results, (Columns, Part)) else sorted(results, key=attrgetter("case_id"))
    return groupby(ordered, key=attrgetter("case_id"))


def whole_of(results: Iterable[CaseResult]) -> Whole:
    """Results that are at hand in full."""
    return {case: list(repeats) for case, repeats in by_case(results)}


def _regressed(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cases that got worse most, over all metrics, each case once: by the metric where it lost most."""
    rows = [{"metric": name, **row} for name, metric in metrics.items() for row in metric.get("worsened", ())]
    rows.sort(key=lambda row: (-abs(row["after_bp"] - row["before_bp"]), row["case"], row["metric"]))
    once = {row["case"]: row for row in reversed(rows)}
    return [row for row in rows if once[row["case"]] is row][:MAX_REGRESSIONS]


def _showing(results: Sequence[CaseResult], metric: str, axis: str, gap: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cases that show a gap best: per pair each case in either group, with its value in basis points."""
    shown: dict[str, list[dict[str, Any]]] = {name: [] for name in gap["worst_cases"]}
    for row in case_values(results, metric) if shown else ():
        name = row.pair if gap["paired"] else row.case_id
        group = row.slices.get(axis)
        if name in shown and group in {gap["best"], gap["worst"]}:
            shown[name].append({"case": row.case_id, "group": group, "value_bp": round(row.value * 10_000)})
    return [{"name": name, "cases": cases} for name, cases in shown.items()]
