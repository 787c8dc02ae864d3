"""Several runs of one version by one suite, as one: each run's results are further repeats of the same cases. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sekisho.evaluation.types import CaseResult


def pool(results_of_runs: Sequence[Sequence[CaseResult]]) -> list[CaseResult]:
    """All results, their repeats numbered on from run to run, so that none hides another."""
    pooled: list[CaseResult] = []
    start = 0
    for results in results_of_runs:
        pooled += [replace(result, repeat=start + result.repeat) for result in results]
        start += 1 + max((result.repeat for result in results), default=-1)
    return pooled
