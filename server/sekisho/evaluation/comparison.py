"""Two runs of one suite, case by case: what changed, how sure that is, which cases got worse. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Observation
from sekisho.evaluation.summary import SEED
from sekisho.evaluation.types import CaseResult, basis_points
from sekisho.evaluation.values import case_values

MAX_LISTED: Final = 50


def compare_metric(
    baseline: Sequence[CaseResult], candidate: Sequence[CaseResult], metric: str
) -> tuple[dict[str, int] | None, list[tuple[str, float, float]]]:
    """Mean paired difference (candidate minus baseline) with its interval, and (case, before, after) of each pair.

    None where no case was scored in both.
    """
    before = {row.case_id: row for row in case_values(baseline, metric)}
    after = {row.case_id: row for row in case_values(candidate, metric)}
    shared = sorted(set(before) & set(after))
    changes = [(name, before[name].value, after[name].value) for name in shared]
    if not shared:
        return None, []
    rows = [Observation(new - old, after[name].cluster) for name, old, new in changes]
    interval = statistics.difference_interval(rows, seed=SEED)
    return {
        "diff_bp": basis_points(statistics.mean([row.value for row in rows])),
        "low_bp": basis_points(interval.low),
        "high_bp": basis_points(interval.high),
        "n": len(rows),
    }, changes


def compare_runs(
    baseline: Sequence[CaseResult],
    candidate: Sequence[CaseResult],
    metrics: Iterable[str],
    lower: Iterable[str],
) -> dict[str, Any]:
    """Per metric: the difference, McNemar's p where the values are binary, the cases that got worse and better.

    ``change`` is ``worse`` or ``better`` where the whole interval lies on that side of zero, else ``none``.
    """
    better_low = set(lower)
    report: dict[str, Any] = {}
    for metric in sorted(metrics):
        difference, changes = compare_metric(baseline, candidate, metric)
        if difference is None:
            report[metric] = {"n": 0, "change": "unknown"}
            continue
        sign = -1 if metric in better_low else 1
        worse = sorted(((sign * (new - old), name, old, new) for name, old, new in changes if sign * (new - old) < 0))
        better = sorted(((sign * (old - new), name, old, new) for name, old, new in changes if sign * (new - old) > 0))
        report[metric] = {
            **difference,
            "lower_is_better": sign < 0,
            "change": _change(difference, sign),
            **_mcnemar(changes),
            "worsened": [_listed(row) for row in worse[:MAX_LISTED]],
            "improved": [_listed(row) for row in better[:MAX_LISTED]],
            "worsened_count": len(worse),
            "improved_count": len(better),
        }
    return report


def _change(difference: dict[str, int], sign: int) -> str:
    low, high = sorted((sign * difference["low_bp"], sign * difference["high_bp"]))
    if high < 0:
        return "worse"
    return "better" if low > 0 else "none"


def _mcnemar(changes: Sequence[tuple[str, float, float]]) -> dict[str, int]:
    if not {value for _, old, new in changes for value in (old, new)} <= {0.0, 1.0}:
        return {}
    lost = sum(old > new for _, old, new in changes)
    won = sum(new > old for _, old, new in changes)
    return {"mcnemar_p_bp": basis_points(statistics.mcnemar(lost, won))}


def _listed(row: tuple[float, str, float, float]) -> dict[str, Any]:
    _, name, old, new = row
    return {"case": name, "before_bp": basis_points(old), "after_bp": basis_points(new)}
