"""Text into tokens that know where they stand: words, numbers, names, character pairs of CJK.

Everything else in this package compares these tokens, so a change here changes every feature: raise
`features.VERSION` with it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sekisho.evaluation.words import STOP, number, stem
from sekisho.inference.text import sentence_spans

_CJK: Final = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\uac00-\ud7a3\u3005\u30fc"
_TOKEN: Final = re.compile(
    rf"(?P<cjk>[{_CJK}]+)|(?P<number>\d+(?:[.,:]\d+)*)|(?P<word>[^\W\d_{_CJK}]+(?:['’][^\W\d_{_CJK}]+)?)"
)
_BULLET: Final = re.compile(r"\s*(?:[-*•>]+|#{1,6}|\d{1,2}[.)])\s+")
_SPELT: Final = {
    word: str(value)
    for value, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
            *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
        )
    )
}
_MONTHS: Final = frozenset(
    (
        *("january", "february", "march", "april", "june", "july", "august", "september", "october"),
        *("november", "december"),
    )
)
_WEEKDAYS: Final = frozenset(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
_NEGATIONS: Final = frozenset(("not", "no", "never", "none", "neither", "nor", "without", "cannot", "lack", "lacks"))
_NEGATED_CJK: Final = re.compile(r"ません|ない(?:。|$|の|た|で)|なかった|禁止")


@dataclass(frozen=True, slots=True)
class Token:
    """`key` is what is compared: the stem of a word, one spelling per number, two CJK characters."""

    key: str
    start: int
    end: int
    number: bool = False
    name: bool = False
    stop: bool = False
    negation: bool = False
    cjk: bool = False

    @property
    def content(self) -> bool:
        return not self.stop


def tokens(text: str, offset: int = 0) -> list[Token]:
    """Every token of the text in order; offsets count from `offset`."""
    found: list[Token] = []
    fresh = True
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            fresh = fresh or any(mark in '.!?:"“”•*\n' for mark in text[end : match.start()])
        start, end = match.start(), match.end()
        if match["cjk"]:
            found += _pairs(match[0], start + offset)
        elif match["number"]:
            found.append(Token(number(_plain(match[0])), start + offset, end + offset, number=True))
        else:
            found.append(_word(match[0], start + offset, end + offset, fresh))
        fresh = False
    return found


def sentences(text: str) -> list[tuple[int, int]]:
    """Where sentences, list items and lines stand, without their bullets and heading marks."""
    found: list[tuple[int, int]] = []
    for start, end in sentence_spans(text):
        bullet = _BULLET.match(text, start, end)
        if (begin := bullet.end() if bullet else start) < end:
            found.append((begin, end))
    return found


def cjk_share(text: str) -> float:
    """Share of the letters that are Chinese, Japanese or Korean."""
    letters = sum(character.isalpha() for character in text)
    return sum(len(run) for run in re.findall(rf"[{_CJK}]+", text)) / letters if letters else 0.0


def negations_cjk(text: str) -> int:
    return len(_NEGATED_CJK.findall(text))


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _pairs(run: str, start: int) -> list[Token]:
    if len(run) == 1:
        return [Token(run, start, start + 1, cjk=True)]
    return [Token(run[i : i + 2], start + i, start + i + 2, cjk=True) for i in range(len(run) - 1)]


def _word(word: str, start: int, end: int, fresh: bool) -> Token:
    key, spelt, stop, negation, calendar = _reading(_plain(word).lower().replace("’", "'"))
    capital = word[0].isupper() and (not fresh or word[1:2].isupper())
    return Token(
        key, start, end, number=spelt, name=capital and not stop and not calendar, stop=stop, negation=negation
    )


@lru_cache(maxsize=65_536)
def _reading(word: str) -> tuple[str, bool, bool, bool, bool]:
    negation = word in _NEGATIONS or word.endswith("n't")
    if word in _SPELT:
        return _SPELT[word], True, word == "one", False, False
    plain = word.removesuffix("'s").split("'")[0]
    return stem(plain), False, plain in STOP or len(plain) < 2 or negation, negation, plain in _MONTHS | _WEEKDAYS
