"""All scores of one case: by the pure scorers first, then by those that ask the suite's judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sekisho.evaluation.judges.applying import apply_judged
from sekisho.evaluation.scorers.declaration import Measure, Outcome
from sekisho.evaluation.types import Sample, Score, Unscored
from sekisho.inference.cache import NotRemembered
from sekisho.inference.types import Answer, Answerer, AnswerRequest

CHEAP_S: Final = 0.002
"""Scoring that takes less than this is done in the loop: a hop to a thread and back would cost as much."""
_MEMORY: Final = 0.8


@dataclass
class Measuring:
    """Applies a plan's measures. `judge` answers those that ask; where there is none they give no score.

    The first case is scored in a thread, since a scorer may load a model; from then on it goes by how long it took.
    """

    measures: Sequence[Measure]
    judge: Answerer | None = None
    _seconds: float = field(default=CHEAP_S * 2, init=False)

    async def score(self, sample: Sample, recorded: Mapping[str, Score] | None = None) -> Outcome:
        """Every score of the sample, and what the scorers have to show.

        `recorded` are a replayed case's scores: where the judge had failed there is no answer to find again.
        """
        pure = self._apply(sample) if self._seconds < CHEAP_S else await asyncio.to_thread(self._apply, sample)
        asked = [
            await self._ask(measure, sample, recorded or {}) for measure in self.measures if measure.ask is not None
        ]
        return merged([pure, *asked]) if asked else pure

    def _apply(self, sample: Sample) -> Outcome:
        started = time.perf_counter()
        outcome = apply(self.measures, sample)
        self._seconds = _MEMORY * self._seconds + (1 - _MEMORY) * (time.perf_counter() - started)
        return outcome

    async def _ask(self, measure: Measure, sample: Sample, recorded: Mapping[str, Score]) -> Outcome:
        try:
            return Outcome(*await apply_judged([measure], sample, self.judge))
        except Forgotten:
            # A judge that gave no answer then has none that could be found now.
            if all(isinstance(recorded.get(metric), Unscored) for metric in measure.metrics):
                return Outcome({metric: recorded[metric] for metric in measure.metrics}, {})
            raise


class Forgotten(Exception):
    """A judge was asked, of a replay, what the cache does not hold: no failure of the judge."""


@dataclass(frozen=True, slots=True)
class Remembering:
    """A judge that answers from the cache alone. What it was not asked before is no verdict of any kind."""

    inner: Answerer

    @property
    def digest(self) -> str:
        return self.inner.digest

    async def answer(self, request: AnswerRequest) -> Answer:
        """Raises `Forgotten`."""
        try:
            return await self.inner.answer(request)
        except NotRemembered as error:
            raise Forgotten(error.detail) from error

    async def check(self) -> None:
        """Nobody is asked."""


def apply(measures: Iterable[Measure], sample: Sample) -> Outcome:
    """Every score of a sample by the pure scorers. A case that gave no output is `Unscored` with its reason."""
    return merged(
        measure.score(sample) if sample.failure is None else measure.unscored(sample.failure)
        for measure in measures
        if measure.score is not None
    )


def merged(outcomes: Iterable[Outcome]) -> Outcome:
    scores: dict[str, Score] = {}
    details: dict[str, Any] = {}
    for outcome in outcomes:
        scores.update(outcome.scores)
        details.update(outcome.details)
    return Outcome(scores, details)
