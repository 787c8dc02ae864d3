"""The answer against the case's expected answer, word by word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from sekisho.evaluation.scorers.declaration import Outcome, Scorer, plain
from sekisho.evaluation.types import Sample, Scored, Target, Unscored
from sekisho.evaluation.words import words


def _against_expected(metric: str, value: Callable[[list[str], list[str]], float], sample: Sample) -> Outcome:
    expected = words(sample.case.expected or "")
    if not expected:
        return Outcome({metric: Unscored("the case names no expected answer")}, {})
    return Outcome({metric: Scored(value(words(sample.answer or ""), expected))}, {})


def exact_match(sample: Sample) -> Outcome:
    return _against_expected("exact_match", lambda answer, expected: float(answer == expected), sample)


def contains(sample: Sample) -> Outcome:
    return _against_expected("contains", lambda answer, expected: float(_stands_in(expected, answer)), sample)


def token_f1(sample: Sample) -> Outcome:
    return _against_expected("token_f1", _f1, sample)


def _stands_in(part: Sequence[str], whole: Sequence[str]) -> bool:
    return any(list(whole[i : i + len(part)]) == list(part) for i in range(len(whole) - len(part) + 1))


def _f1(answer: list[str], expected: list[str]) -> float:
    shared = (Counter(answer) & Counter(expected)).total()
    return 2 * shared / (len(answer) + len(expected))


def _scorer(name: str, meaning: str, score: Callable[[Sample], Outcome]) -> Scorer:
    return Scorer(
        name=name,
        meaning=meaning,
        target=Target.ANSWERS,
        reads=("answer", "expected"),
        unscored="the case names no expected answer",
        metrics=(name,),
        measures=plain(score),
    )


SCORERS: Final = (
    _scorer("exact_match", "whether the answer is the expected one, word for word", exact_match),
    _scorer("contains", "whether the expected answer stands in the answer", contains),
    _scorer("token_f1", "harmonic mean of the precision and recall of the answer's words", token_f1),
)
