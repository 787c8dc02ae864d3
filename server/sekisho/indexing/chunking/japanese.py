"""Sentences and phrases of Japanese, by its punctuation.

A full stop inside brackets ends no sentence (彼は「行く。」と言った。), and a phrase ends after a comma, or with the
brackets that it stands in. English sentences among them end as they do elsewhere.
"""

from __future__ import annotations

import re
from typing import Final

from sekisho.inference import text as words
from sekisho.inference.text import Span

_BRACKETS: Final = dict(zip("「『（【〈《［(", "」』）】〉》］)", strict=True))
_MOST_INSIDE: Final = 200
"""Characters after which an opened bracket is held to be never closed."""
_PHRASE: Final = re.compile(r"[、，､；：…]+|[」』）】〉》］](?![」』）】〉》］、，､。！？])|\s+(?=\S)")


def sentence_spans(text: str) -> list[Span]:
    """As `text.sentence_spans`, with those that an open bracket runs over joined again."""
    joined: list[Span] = []
    for span in words.sentence_spans(text):
        if joined and "\n" not in text[joined[-1][1] : span[0]] and _open(text, joined[-1], span[0]):
            joined[-1] = (joined[-1][0], span[1])
        else:
            joined.append(span)
    return joined


def phrase_spans(text: str) -> list[Span]:
    """Where phrases stand in a sentence, without space around them, in order."""
    ends = [*(mark.end() for mark in _PHRASE.finditer(text)), len(text)]
    starts = [0, *ends[:-1]]
    pieces = [(start, end, text[start:end]) for start, end in zip(starts, ends, strict=True) if text[start:end].strip()]
    return [(a + len(piece) - len(piece.lstrip()), a + len(piece.rstrip())) for a, _, piece in pieces]


def _open(text: str, span: Span, until: int) -> bool:
    """Whether a bracket that was opened in the span is closed only after it, and not too far on."""
    waiting: list[str] = []
    for character in text[span[0] : until]:
        if character in _BRACKETS:
            waiting.append(_BRACKETS[character])
        elif waiting and character == waiting[-1]:
            waiting.pop()
    return bool(waiting) and waiting[0] in text[until : until + _MOST_INSIDE]
