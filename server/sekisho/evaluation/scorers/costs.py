"""What an answer costs: its length, the model's time, the tokens read and written."""

from __future__ import annotations

from functools import partial
from typing import Final

from sekisho.evaluation.scorers.declaration import UNBOUNDED, Outcome, Scorer, plain
from sekisho.evaluation.scorers.reading import NO_ANSWER, TOO_LONG, readable, units
from sekisho.evaluation.types import Sample, Score, Scored, Target, Unscored


def characters(sample: Sample) -> Outcome:
    """Code points without the white space around them."""
    if sample.answer is None:
        return Outcome({"characters": NO_ANSWER}, {})
    return Outcome({"characters": Scored(float(len(sample.answer.strip())))}, {})


def words(sample: Sample) -> Outcome:
    """Words and numbers; of Chinese and Japanese, which has no spaces, every character counts as one."""
    answer = readable(sample)
    return Outcome({"words": answer if isinstance(answer, Unscored) else Scored(float(len(units(answer))))}, {})


def _observed(sample: Sample, metric: str, missing: Unscored) -> Outcome:
    value: int | None = getattr(sample, metric)
    score: Score = missing if value is None or value < 0 else Scored(float(value))
    return Outcome({metric: score}, {})


def _cost(metric: str, meaning: str, unit: str) -> Scorer:
    told = f"nobody measured {metric}"
    return Scorer(
        name=metric,
        meaning=meaning,
        target=Target.ANSWERS,
        reads=(metric,),
        unscored=told,
        metrics=(metric,),
        measures=plain(partial(_observed, metric=metric, missing=Unscored(told))),
        range=UNBOUNDED,
        lower_is_better=frozenset({metric}),
        unit=unit,
    )


SCORERS: Final = (
    Scorer(
        name="characters",
        meaning="length of the answer in characters",
        target=Target.ANSWERS,
        reads=("answer",),
        unscored=NO_ANSWER.reason,
        metrics=("characters",),
        measures=plain(characters),
        range=UNBOUNDED,
        lower_is_better=frozenset({"characters"}),
        unit="characters",
    ),
    Scorer(
        name="words",
        meaning="length of the answer in words; every Chinese or Japanese character counts as one",
        target=Target.ANSWERS,
        reads=("answer",),
        unscored=f"{NO_ANSWER.reason}, or {TOO_LONG.reason}",
        metrics=("words",),
        measures=plain(words),
        range=UNBOUNDED,
        lower_is_better=frozenset({"words"}),
        unit="words",
    ),
    _cost("latency_ms", "time that the model took to answer; of a cached answer, what it took then", "ms"),
    _cost("tokens_in", "tokens of the prompt, as the model counted them", "tokens"),
    _cost("tokens_out", "tokens of the answer, as the model counted them", "tokens"),
)
