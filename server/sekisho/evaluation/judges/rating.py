"""Labelled answers given to an instrument, a bounded number at a time, and what came of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekisho.evaluation.judges.agreement import Rated
from sekisho.evaluation.judges.applying import apply_judged
from sekisho.evaluation.judges.labels import Labelled
from sekisho.evaluation.scorers.declaration import Measure
from sekisho.evaluation.types import Score, Scored, Unscored
from sekisho.inference.types import Answerer

MAX_SHOWN: Final = 50
Beat = Callable[[int], Awaitable[None]]
"""Told how many rows are done; raises where the work is to stop."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the instrument said of one labelled row."""

    row: Labelled
    score: Score

    @property
    def rated(self) -> Rated:
        verdict = self.score.value >= 0.5 if isinstance(self.score, Scored) else None
        return Rated(self.row.fault, verdict, self.row.cluster)

    @property
    def agrees(self) -> bool:
        return self.rated.label is self.rated.verdict


async def rate(
    rows: Sequence[Labelled], measure: Measure, judge: Answerer | None, *, concurrency: int, beat: Beat
) -> tuple[Verdict, ...]:
    """The instrument's word on every row, in the rows' order. Raises what `beat` raises."""
    found: dict[int, Score] = {}
    work = iter(enumerate(rows))
    tasks = [asyncio.create_task(_lane(work, measure, judge, found, beat)) for _ in range(concurrency)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return tuple(Verdict(row, found[place]) for place, row in enumerate(rows))


async def _lane(
    work: Iterator[tuple[int, Labelled]],
    measure: Measure,
    judge: Answerer | None,
    found: dict[int, Score],
    beat: Beat,
) -> None:
    for place, row in work:
        found[place] = await _score(measure, judge, row)
        await beat(len(found))


async def _score(measure: Measure, judge: Answerer | None, row: Labelled) -> Score:
    fault = measure.scorer.fault
    assert fault is not None  # noqa: S101  # the instrument was chosen for having one
    if measure.score is not None:
        return (await asyncio.to_thread(measure.score, row.sample)).scores[fault]
    scores, _ = await apply_judged([measure], row.sample, judge)
    return scores[fault]


def shown(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Why rows have no score, by reason, and the first rows on which instrument and people differ."""
    reasons = Counter(one.score.reason for one in verdicts if isinstance(one.score, Unscored))
    differ = [one for one in verdicts if not one.agrees][:MAX_SHOWN]
    return {
        "unscored": [{"reason": reason, "n": n} for reason, n in reasons.most_common(20)],
        "differ": [
            {"row": one.row.sample.case.id, "label": _word(one.row.fault), "verdict": _word(one.rated.verdict)}
            for one in differ
        ],
    }


def _word(fault: bool | None) -> str:
    return {True: "hallucinated", False: "supported", None: "unscored"}[fault]
