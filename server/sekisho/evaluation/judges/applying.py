"""The judged measures of a run, applied to one sample after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sekisho.evaluation.scorers.declaration import Measure
from sekisho.evaluation.types import Sample, Score
from sekisho.inference.types import Answerer


async def apply_judged(
    measures: Sequence[Measure], sample: Sample, judge: Answerer | None
) -> tuple[Mapping[str, Score], Mapping[str, Any]]:
    """Every score of a sample by the scorers that ask a judge, and what they have to show.

    A case that gave no output is `Unscored` with its reason, and so is one where there is nobody to ask.
    """
    scores: dict[str, Score] = {}
    details: dict[str, Any] = {}
    for measure in measures:
        if measure.ask is None:
            continue
        if sample.failure is not None:
            outcome = measure.unscored(sample.failure)
        elif judge is None:
            outcome = measure.unscored("there is no judge")
        else:
            outcome = await measure.ask(sample, judge)
        scores.update(outcome.scores)
        details.update(outcome.details)
    return scores, details
