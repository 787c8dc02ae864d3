"""The report of a run as it is read from the database: columns of all results, and in full only the cases shown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sekisho.evaluation.columns import Columns, measured_results
from sekisho.evaluation.comparison import compare_runs
from sekisho.evaluation.reports.choosing import Choice, choose
from sekisho.evaluation.reports.formats import Wish
from sekisho.evaluation.reports.json import Baseline, report_of
from sekisho.evaluation.reports.shape import Report
from sekisho.evaluation.result_store import ResultStore
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER
from sekisho.evaluation.statistics import Claim
from sekisho.evaluation.types import CaseResult, Run
from sekisho.kernel.database import Transaction


@dataclass(frozen=True, slots=True)
class Measured:
    """A run and what a summary reads of its results."""

    run: Run
    columns: Columns


async def read_measured(tx: Transaction, run: Run) -> Measured:
    return Measured(run, await ResultStore(tx).columns(run.id))


async def read_report(tx: Transaction, run: Run, before: Run | None, wish: Wish) -> Report:
    """The report of a run, beside a baseline where there is one. A hundred thousand cases take no more than fifty."""
    after = await read_measured(tx, run)
    if before is None:
        return await report_measured(tx, after, {}, wish)
    old = await read_measured(tx, before)
    metrics = await asyncio.to_thread(compared_runs, old, after)
    choice = await asyncio.to_thread(choose, run, after.columns, LOWER_IS_BETTER, metrics, shown=wish.cases)
    baseline = Baseline(before, old.columns, metrics, await ResultStore(tx).whole(before.id, choice.changed))
    return await _report(tx, after, choice, {}, wish, baseline)


async def report_measured(
    tx: Transaction, measured: Measured, others: Mapping[tuple[str, int], CaseResult], wish: Wish | None = None
) -> Report:
    """The report of results as the columns have them; `others` are those that are not as they are stored."""
    wish = wish or Wish()
    choice = await asyncio.to_thread(choose, measured.run, measured.columns, LOWER_IS_BETTER, shown=wish.cases)
    return await _report(tx, measured, choice, others, wish)


async def _report(
    tx: Transaction,
    measured: Measured,
    choice: Choice,
    others: Mapping[tuple[str, int], CaseResult],
    wish: Wish,
    baseline: Baseline | None = None,
) -> Report:
    stored = await ResultStore(tx).whole(measured.run.id, choice.names)
    whole = {
        case: [others.get((case, result.repeat), result) for result in repeats] for case, repeats in stored.items()
    }
    return await asyncio.to_thread(
        report_of,
        measured.run,
        measured.columns,
        choice,
        whole,
        lower=LOWER_IS_BETTER,
        baseline=baseline,
        docs=wish.docs,
        server=wish.server,
    )


def compared_runs(
    baseline: Measured,
    candidate: Measured,
    margins: Mapping[str, int] | None = None,
    beside: Mapping[str, Claim | None] | None = None,
) -> dict[str, Any]:
    """What `compare_runs` finds over the metrics that both have. `margins`: by how much each may be worse."""
    before, after = ((side.run.summary or {})["metrics"] for side in (baseline, candidate))
    sides: Sequence[Sequence[CaseResult]] = [measured_results(side.columns) for side in (baseline, candidate)]
    both = set(before) & set(after)
    return compare_runs(sides[0], sides[1], both, LOWER_IS_BETTER, margins=margins, beside=beside)
