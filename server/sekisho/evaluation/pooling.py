"""Several runs of one suite on one subject: the first counts, later ones are only pooled with it. Pure.

Whoever may run again until a run looks good will find one: the best of twenty runs passes a limit that the version
misses, and so does, less often, a pooled interval that narrows with every look. So the first run with the required
coverage counts, and later ones are averaged with it, case by case. They move the mean, and an interval then reaches
as far as the first run's or the pooled one's, whichever is wider at that end. To pass, a version must pass by its
first run and by all of them: no number of re-runs makes a wrong pass more frequent than one run does, whatever the
noise is. Who was unlucky needs more cases, not more runs of the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sekisho.evaluation.statistics import Decision
from sekisho.evaluation.summary import LEAST_COVERAGE_BP, summarise
from sekisho.evaluation.types import CaseResult

_LOWER_ENDS: Final = frozenset({"low_bp", "pessimistic_low_bp"})
_RAISED: Final = frozenset({"high_bp", "pessimistic_high_bp", "not_worse_p_bp", "worse_p_bp", "detectable_bp"})


def pool(results_of_runs: Sequence[Sequence[CaseResult]]) -> list[CaseResult]:
    """All results as those of one run, oldest run first, with the repeats of each case numbered on.

    `case_values` then averages each case over the runs. Which runs are to be pooled is the caller's to say:
    `countable` names them.
    """
    pooled: list[CaseResult] = []
    begun: dict[str, int] = {}
    for results in results_of_runs:
        for result in sorted(results, key=lambda row: (row.case_id, row.repeat)):
            repeat = begun.get(result.case_id, 0)
            begun[result.case_id] = repeat + 1
            pooled.append(replace(result, repeat=repeat))
    return pooled


def countable(summaries: Sequence[Mapping[str, Any]], *, least_coverage_bp: int = LEAST_COVERAGE_BP) -> list[int]:
    """Which of the runs count, by their place, oldest first: those of which every metric reaches the coverage.

    A run that scored less is left out also where it came later: one could otherwise score only what goes well.
    """
    return [
        place
        for place, summary in enumerate(summaries)
        if summary["metrics"] and all(m["coverage_bp"] >= least_coverage_bp for m in summary["metrics"].values())
    ]


def summarise_pooled(results_of_runs: Sequence[Sequence[CaseResult]], **how: Any) -> dict[str, Any]:
    """The summary of the runs that count, oldest first. `how` is what `summarise` takes beside the results.

    ``runs`` says how many there are. Raises ValueError where there is none.
    """
    if not results_of_runs:
        raise ValueError("no run counts, so there is nothing to pool")
    first = summarise(results_of_runs[0], **how)
    pooled = summarise(pool(results_of_runs), **how) if len(results_of_runs) > 1 else first
    return {**held_to_first(pooled, first), "runs": len(results_of_runs)}


def held_to_first(pooled: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    """`pooled` with each interval in it stretched to the ends of the first run's, and no p below the first run's.

    Takes summaries, comparisons, or any part of them. Decisions that differ become inconclusive.
    """
    return {name: _held(name, value, first[name]) if name in first else value for name, value in pooled.items()}


def _held(name: str, pooled: Any, first: Any) -> Any:
    if isinstance(pooled, Mapping):
        return held_to_first(pooled, first)
    if name in _LOWER_ENDS:
        return min(pooled, first)
    if name in _RAISED:
        return max(pooled, first)
    if name == "decision":
        return pooled if pooled == first else Decision.INCONCLUSIVE.value
    if name == "change":
        return pooled if pooled == first else "none"
    return pooled
