"""Several runs of one version by one suite as one: each run's results are further repeats of the same cases. Pure.

Which runs count, and at what level their estimate is looked at, the gate says: see docs/decisions/0014.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from operator import attrgetter

from sekisho.evaluation.columns import Columns
from sekisho.evaluation.types import CaseResult


def pool(results_of_runs: Sequence[Sequence[CaseResult]]) -> Sequence[CaseResult]:
    """All results as those of one run, oldest run first, with the repeats of each case numbered on.

    `case_values` then averages each case over the runs. Columns stand in the order of cases and repeats already.
    """
    if len(results_of_runs) <= 1:
        return results_of_runs[0] if results_of_runs else []
    pooled = Columns()
    case_id, repeat = "", -1
    ordered = [
        results if isinstance(results, Columns) else sorted(results, key=attrgetter("case_id", "repeat"))
        for results in results_of_runs
    ]
    # The merge is stable: of one case the older run's results come first.
    for result in heapq.merge(*ordered, key=attrgetter("case_id")):
        repeat = repeat + 1 if result.case_id == case_id else 0
        case_id = result.case_id
        pooled.add(result, repeat=repeat)
    return pooled
