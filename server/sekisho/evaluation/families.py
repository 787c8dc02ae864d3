"""What a stage claims of two versions by other suites than the one compared, since all of it is decided together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from sekisho.evaluation.columns import measured_results
from sekisho.evaluation.comparison import compare
from sekisho.evaluation.reporting import Measured, read_measured
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER, RANGES
from sekisho.evaluation.statistics import Claim
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.types import Origin, Run, RunState
from sekisho.kernel.database import Transaction

LOOKED_AT: Final = 200
"""So many of a version's runs by a suite, the newest first, are looked through for one that ended well."""

Limits = Mapping[str, int]
"""Metric → margin in basis points."""


async def claims_beside(
    tx: Transaction, baseline: Run, candidate: Run, family: Mapping[str, Limits]
) -> dict[str, Claim | None]:
    """The claims of every suite of `family` (by digest) but the one compared, from the last measured run of each side.

    None where a side has no such run, where no case was scored in both, and where both sides are one version: nothing
    is known then. One suite's results are held at a time.
    """
    found: dict[str, Claim | None] = {}
    for suite in sorted(set(family) - {candidate.suite}):
        sides = [await _last(tx, run, suite) for run in (baseline, candidate)]
        if baseline.subject == candidate.subject or None in sides:
            made: Mapping[str, Claim | None] = dict.fromkeys(family[suite])
        else:
            before, after = [await read_measured(tx, run) for run in sides if run is not None]
            made = await asyncio.to_thread(_claims, before, after, family[suite])
        found |= {f"{suite} {metric}": claim for metric, claim in made.items()}
    return found


async def _last(tx: Transaction, run: Run, suite: str) -> Run | None:
    """The newest run of the same version by this suite that our worker measured to its end."""
    runs = await RunStore(tx).page(run.project, run.subject, suite, None, LOOKED_AT)
    fit = (one for one in runs if (one.state, one.origin) == (RunState.FINISHED, Origin.MEASURED))
    return next(fit, None)


def _claims(before: Measured, after: Measured, limits: Limits) -> dict[str, Claim | None]:
    old, new = (measured_results(side.columns) for side in (before, after))
    compared = {
        metric: compare(
            old,
            new,
            metric,
            lower_is_better=metric in LOWER_IS_BETTER,
            margin_bp=margin,
            declared=RANGES.get(metric),
        )
        for metric, margin in limits.items()
    }
    return {metric: None if found is None else found.claim for metric, found in compared.items()}
