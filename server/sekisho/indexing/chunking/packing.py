"""Packing what stands under one heading into stretches of at most so many tokens.

A paragraph that is too long is cut between sentences, a sentence that is too long between words (or, in Japanese,
phrases). What must stay whole is never cut, even where it is over the limit by itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sekisho.inference.text import Span, sentence_spans

_CHARACTERS_PER_TOKEN: Final = 50
"""Ten times what words take. More is no prose: a tokenizer may call a picture in base64, or a word of any length, one
token, and what is retrieved goes into a prompt as it stands."""
_ABOUT: Final = 8
"""Characters per token where cutting within a word begins to try."""
CountTokens: TypeAlias = Callable[[str], int]
Sentences: TypeAlias = Callable[[str], list[Span]]
"""Where sentences, or lesser pieces, stand in a text."""


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading: blocks as spans of the source, and spans that must stay whole."""

    heading: tuple[str, ...]
    blocks: tuple[Span, ...]
    whole: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Fits:
    """Whether a stretch of the text, with its heading line, is within the limit; of tokens, and so of characters."""

    text: str
    head: str
    count_tokens: CountTokens
    max_tokens: int
    sentences: Sentences = sentence_spans
    phrases: Sentences | None = None
    """Where a sentence over the limit may be cut before it is cut between words."""

    def __call__(self, start: int, end: int) -> bool:
        return (
            end - start <= _CHARACTERS_PER_TOKEN * self.max_tokens
            and self.count_tokens(self.head + self.text[start:end]) <= self.max_tokens
        )

    def characters(self, start: int) -> Callable[[int], bool]:
        """Whether so many characters from here fit."""
        return lambda n: self(start, start + n)

    def tokens(self, start: int, end: int) -> int:
        return self.count_tokens(self.text[start:end])


def packed(fits: Fits, section: Section, overlap: int) -> Iterator[Span]:
    """As many pieces in a row as fit; the next stretch begins up to `overlap` tokens back."""
    pieces = [piece for block in section.blocks for piece in _pieces(fits, block, section.whole)]
    first = 0
    while first < len(pieces):
        last = first
        while last + 1 < len(pieces) and fits(pieces[first][0], pieces[last + 1][1]):
            last += 1
        yield pieces[first][0], pieces[last][1]
        if last + 1 == len(pieces):
            return
        first = _step_back(fits, pieces, first, last, overlap)


def _step_back(fits: Fits, pieces: Sequence[Span], first: int, last: int, overlap: int) -> int:
    """Where the next stretch begins: it repeats what fits into the overlap and leaves room for something new."""
    start = last + 1
    while (
        start - 1 > first
        and overlap
        and fits.tokens(pieces[start - 1][0], pieces[last][1]) <= overlap
        and fits(pieces[start - 1][0], pieces[last + 1][1])
    ):
        start -= 1
    return start


def _pieces(fits: Fits, block: Span, whole: Sequence[Span]) -> list[Span]:
    """The block itself where it fits, else its sentences, else parts of a sentence."""
    if fits(*block) or block in whole:
        return [block]
    kept = [span for span in whole if block[0] <= span[0] and span[1] <= block[1]]
    found: list[Span] = []
    for start, end in _joined(_within(fits.text, block, fits.sentences), kept):
        inside = any((a <= start and end <= b) or (start <= a and b <= end) for a, b in kept)
        found += [(start, end)] if inside or fits(start, end) else _parts(fits, start, end)
    return found


def _parts(fits: Fits, start: int, end: int) -> list[Span]:
    """A sentence over the limit in its phrases, and each that is still over it cut between words."""
    phrases = [(start, end)] if fits.phrases is None else _within(fits.text, (start, end), fits.phrases)
    return [part for span in phrases for part in ([span] if fits(*span) else cut_words(fits, *span))]


def _within(text: str, block: Span, pieces: Sentences) -> list[Span]:
    return [(block[0] + start, block[0] + end) for start, end in pieces(text[block[0] : block[1]])]


def _joined(spans: Sequence[Span], whole: Sequence[Span]) -> list[Span]:
    """Sentences between which a span that must stay whole would be cut become one."""
    result: list[Span] = []
    for span in spans:
        if result and any(a < span[0] < b and result[-1][1] > a for a, b in whole):
            result[-1] = (result[-1][0], span[1])
        else:
            result.append(span)
    return result


def cut_words(fits: Fits, start: int, end: int) -> list[Span]:
    """Cut a sentence over the limit: at the last space that fits, else at the last character that fits."""
    found: list[Span] = []
    while start < end and not fits(start, end):
        most = most_that_fits(end - start, fits.characters(start), _ABOUT * fits.max_tokens)
        stop = start + max(most, 1)
        space = max(fits.text.rfind(" ", start + 1, stop), fits.text.rfind("\n", start + 1, stop))
        stop = space if space > start + most // 2 else stop
        found.append((start, stop))
        start = stop + (len(fits.text[stop:end]) - len(fits.text[stop:end].lstrip()))
    return [*found, (start, end)] if start < end else found


def most_that_fits(length: int, fits: Callable[[int], bool], hint: int) -> int:
    """The greatest n below `length` that fits, by bisection; 0 where none does. What fits does not fall as n grows.

    `hint` is about where the answer may lie: far longer stretches are not tried, for each try costs what it is long.
    """
    upper = min(length, hint)
    while upper < length and fits(upper):
        upper = min(length, upper * 2)
    return bisect_left(range(1, upper), True, key=lambda n: not fits(n))


def trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip("\n")), start + len(piece.rstrip())
