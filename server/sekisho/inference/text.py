"""Words and sentences of English and Japanese text, as pure functions. Retrieval and the baseline share them.

`VERSION` enters every digest that depends on how text is cut: raise it with any change of behaviour here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

VERSION: Final = 1
_CJK: Final = "぀-ヿㇰ-ㇿ㐀-䶿一-鿿豈-﫿々〆ー"
_RUN: Final = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:['’][^\W_{_CJK}]+)?")
_CJK_CHARACTER: Final = re.compile(rf"[{_CJK}]")
_BLOCK: Final = re.compile(r"^(?P<fence>```|~~~)|^\s*(?:#{1,6}\s|[-*+]\s|\d+[.)]\s|\||>)|^\s*$")
_END: Final = re.compile(r"[。！？]+[」』）)\]]*|[.!?]+[\"'”’)\]]*(?=\s)")
_SPACE: Final = re.compile(r"\s*")
_TAIL: Final = 64
_ABBREVIATION: Final = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|Mr|Mrs|Ms|Dr|Prof|No|Fig|Sec|approx|[A-Z])\.$")

STOP_WORDS: Final = (
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have", "how", "i",
    "if", "in", "is", "it", "its", "may", "must", "of", "on", "or", "should", "that", "the", "their", "there", "they",
    "this", "to", "was", "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with", "would",
    "you", "your",
)  # fmt: skip
"""English words that say nothing of what a text is about."""

Span = tuple[int, int]


def has_cjk(text: str) -> bool:
    """Whether any character is Japanese or Chinese script."""
    return _CJK_CHARACTER.search(text) is not None


def terms(text: str) -> list[str]:
    """Search terms in order: folded words, and overlapping character pairs where a script has no spaces.

    A single such character between other scripts is a term of its own.
    """
    return [term for run in _RUN.findall(unicodedata.normalize("NFKC", text).casefold()) for term in _of_run(run)]


def _of_run(run: str) -> list[str]:
    if not has_cjk(run):
        return [run.replace("’", "'").removesuffix("'s")]
    return [run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)]


def sentence_spans(text: str) -> list[Span]:
    """Where sentences stand in the text, as (start, end) without surrounding space, in order.

    Headings, list items, quotes and table rows begin a sentence of their own; a fenced block is one whole.
    """
    return [trimmed for block in _blocks(text) for span in _cut(text, block) if (trimmed := _trim(text, span))]


def _blocks(text: str) -> Iterator[Span]:
    start = position = 0
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = _BLOCK.match(line)
        opens = mark["fence"] if mark else None
        if fence:
            if line.startswith(fence):
                yield start, position + len(line)
                start, fence = position + len(line), ""
        elif mark:
            yield start, position
            start, fence = position, opens or ""
        position += len(line)
    yield start, position


def _cut(text: str, block: Span) -> Iterator[Span]:
    start, end = block
    if text.startswith(("```", "~~~"), start):
        yield block
        return
    cursor = start
    for mark in _END.finditer(text, start, end):
        if mark[0].startswith(".") and _goes_on(text, start, mark.end(), end):
            continue
        yield cursor, mark.end()
        cursor = mark.end()
    yield cursor, end


def _goes_on(text: str, start: int, stop: int, end: int) -> bool:
    """Whether the full stop before `stop` ends no sentence: an abbreviation, a list number, a small letter after."""
    following = _SPACE.match(text, stop, end)
    at = following.end() if following else stop
    # Only the tail can hold an abbreviation, and only a short text is a list number: linear in a block of any length.
    before = text[start:stop].lstrip() if stop - start <= _TAIL else "…" + text[stop - _TAIL : stop]
    return text[at : min(end, at + 1)].islower() or bool(_ABBREVIATION.search(before)) or before[:-1].isdigit()


def _trim(text: str, span: Span) -> Span | None:
    piece = text[span[0] : span[1]]
    left = len(piece) - len(piece.lstrip())
    stop = len(piece.rstrip())
    return (span[0] + left, span[0] + stop) if left < stop else None
