"""The answer against the case's expected answer: the same, contained, shared, in order."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from sekisho.evaluation.scorers.declaration import Outcome, Scorer, plain
from sekisho.evaluation.scorers.reading import MAX_CHARACTERS, NO_ANSWER, NO_EXPECTED, readable, units
from sekisho.evaluation.types import Sample, Score, Scored, Target, Unscored

MAX_ALIGNED: Final = 20_000_000_000
"""Words of the answer times words of the reference that ROUGE-L aligns: about two seconds of work."""


def exact_match(sample: Sample) -> Outcome:
    """The same characters; white space around them and Unicode's composition (NFC) make no difference."""
    if sample.answer is None:
        return Outcome({"exact_match": NO_ANSWER}, {})
    expected = _bare(sample.case.expected or "")
    score: Score = Scored(float(_bare(sample.answer) == expected)) if expected else NO_EXPECTED
    return Outcome({"exact_match": score}, {})


def normalised_match(sample: Sample) -> Outcome:
    """The same words, whatever their case, width, spacing and punctuation."""
    return _by_units("normalised_match", lambda answer, expected: float(answer == expected), sample)


def contains(sample: Sample) -> Outcome:
    return _by_units("contains", lambda answer, expected: float(_stands_in(expected, answer)), sample)


def token_f1(sample: Sample) -> Outcome:
    """Harmonic mean of precision and recall of the bag of words (Rajpurkar et al. 2016, articles kept)."""
    return _by_units("token_f1", _f1, sample)


def rouge_l(sample: Sample) -> Outcome:
    """ROUGE-L's F-measure: harmonic mean of LCS / words of the answer and LCS / words of the reference (Lin 2004)."""
    return _by_units("rouge_l", _aligned, sample)


def longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Its length, by bit-parallel dynamic programming (Hyyrö 2004): one long integer holds a row of the table."""
    places: dict[str, int] = {}
    for index, unit in enumerate(second):
        places[unit] = places.get(unit, 0) | 1 << index
    everything = (1 << len(second)) - 1
    row = everything
    for unit in first:
        if matched := row & places.get(unit, 0):
            row = (row + matched | row - matched) & everything
    return len(second) - row.bit_count()


def _by_units(metric: str, value: Callable[[list[str], list[str]], float | Unscored], sample: Sample) -> Outcome:
    answer = readable(sample)
    if isinstance(answer, Unscored):
        return Outcome({metric: answer}, {})
    expected = units(sample.case.expected or "")
    if not expected:
        return Outcome({metric: NO_EXPECTED}, {})
    found = value(units(answer), expected)
    return Outcome({metric: found if isinstance(found, Unscored) else Scored(found)}, {})


def _bare(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _stands_in(part: Sequence[str], whole: Sequence[str]) -> bool:
    # No unit holds a line feed, so that a match begins and ends between units.
    return "\n{}\n".format("\n".join(part)) in "\n{}\n".format("\n".join(whole))


def _f1(answer: Sequence[str], expected: Sequence[str]) -> float:
    shared = (Counter(answer) & Counter(expected)).total()
    return 2 * shared / (len(answer) + len(expected))


def _aligned(answer: Sequence[str], expected: Sequence[str]) -> float | Unscored:
    if len(answer) * len(expected) > MAX_ALIGNED:
        return Unscored("the answer and the expected one are too long to align")
    return 2 * longest_common_subsequence(answer, expected) / (len(answer) + len(expected))


_ONE_WORDING: Final = "A right answer in other words scores low; Japanese is compared by characters."


def _scorer(
    name: str, meaning: str, score: Callable[[Sample], Outcome], *, limit: bool = True, limits: str = ""
) -> Scorer:
    longest = f", or the answer is longer than {MAX_CHARACTERS:,} characters" if limit else ""
    return Scorer(
        name=name,
        meaning=meaning,
        target=Target.ANSWERS,
        reads=("answer", "expected"),
        unscored=f"there is no answer, the case names no expected one{longest}",
        metrics=(name,),
        measures=plain(score),
        limits=limits,
    )


SCORERS: Final = (
    _scorer("exact_match", "whether the answer is the expected one, character for character", exact_match, limit=False),
    _scorer(
        "normalised_match",
        "whether the answer has the expected words, whatever their case, width, spacing and punctuation",
        normalised_match,
    ),
    _scorer("contains", "whether the expected words stand in the answer, in order and together", contains),
    _scorer(
        "token_f1",
        "harmonic mean of the precision and recall of the answer's words",
        token_f1,
        limits=_ONE_WORDING,
    ),
    _scorer("rouge_l", "F-measure of the longest common subsequence of words", rouge_l, limits=_ONE_WORDING),
)
