"""Several runs of one version by one suite as one: each run's results are further repeats of the same cases. Pure.

Which runs count, and at what level their estimate is looked at, the gate says: see docs/decisions/0014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sekisho.evaluation.types import CaseResult


def pool(results_of_runs: Sequence[Sequence[CaseResult]]) -> list[CaseResult]:
    """All results as those of one run, oldest run first, with the repeats of each case numbered on.

    `case_values` then averages each case over the runs.
    """
    pooled: list[CaseResult] = []
    begun: dict[str, int] = {}
    for results in results_of_runs:
        for result in sorted(results, key=lambda row: (row.case_id, row.repeat)):
            repeat = begun.get(result.case_id, 0)
            begun[result.case_id] = repeat + 1
            pooled.append(replace(result, repeat=repeat))
    return pooled
