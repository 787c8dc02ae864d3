"""Whether a text is of the kind that the head was trained for: English prose."""

from __future__ import annotations

import re
from typing import Final

from sekisho.evaluation.grounding.terms import cjk_share

_WORD: Final = re.compile(r"[^\W\d_]+")
_COMMON_WORDS: Final = (
    "the of and to a in is it that for on with as was are be by at this from or an not have has they their its he she"
    " you we i his her which but can will if there one all were also would more when who what these no"
)
_COMMON: Final = frozenset(_COMMON_WORDS.split())
_MOST_CJK: Final = 0.2
_MOST_FOREIGN: Final = 0.3
_ENOUGH: Final = 12
_LEAST_COMMON: Final = 0.08
_SAMPLE: Final = 20_000


def outside(answer: str, context: str) -> str | None:
    """Why the head's probability would mean nothing here, or None."""
    context = context[:_SAMPLE]
    if cjk_share(answer) > _MOST_CJK or cjk_share(context) > _MOST_CJK:
        return "the text is Chinese, Japanese or Korean: judged by shared character pairs, not calibrated"
    if _foreign(answer) > _MOST_FOREIGN or _foreign(context) > _MOST_FOREIGN:
        return "the text is not in Latin script: judged by shared words, not calibrated"
    words = [word.lower() for word in _WORD.findall(answer)]
    if len(words) >= _ENOUGH and sum(word in _COMMON for word in words) < _LEAST_COMMON * len(words):
        return "the answer does not read as English: judged by shared words, not calibrated"
    return None


def _foreign(text: str) -> float:
    letters = [character for character in text if character.isalpha()]
    return sum(ord(character) > 0x24F for character in letters) / len(letters) if letters else 0.0
