"""How text scorers read an answer: the units they count, and the limits beyond which they do not read."""

from __future__ import annotations

import re
from typing import Final

from sekisho.evaluation.types import Sample, Unscored
from sekisho.evaluation.words import words

MAX_CHARACTERS: Final = 1_000_000
"""A longer answer is Unscored by every scorer that takes words or structure apart, so that no answer stops a worker."""
NO_ANSWER: Final = Unscored("there is no answer")
NO_EXPECTED: Final = Unscored("the case names no expected answer")
TOO_LONG: Final = Unscored(f"the answer is longer than {MAX_CHARACTERS:,} characters")

_CJK_RUN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3005]+")


def units(text: str) -> list[str]:
    """Words and numbers in lower case, and single characters of Chinese and Japanese, which has no spaces.

    Unicode's compatibility forms are made one (NFKC: full-width letters are letters); punctuation is left out.
    """
    found: list[str] = []
    for word in words(text):
        if _CJK_RUN.fullmatch(word):
            found.extend(word)
        else:
            found.append(word)
    return found


def readable(sample: Sample) -> str | Unscored:
    """The answer, or why nobody reads it."""
    if sample.answer is None:
        return NO_ANSWER
    return TOO_LONG if len(sample.answer) > MAX_CHARACTERS else sample.answer
