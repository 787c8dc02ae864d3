"""Cutting documents: by headings, then packing what stands under one heading up to a number of tokens.

Every chunk's body is one unbroken stretch of the document, so a quotation of it is a quotation of the document.
A paragraph that is too long is cut between sentences (``. ! ?`` and ``。！？``), a sentence that is too long between
words. A fenced block is never cut, even where it is over the limit by itself.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sekisho.indexing.types import Chunk, Document
from sekisho.inference.text import Span, sentence_spans
from sekisho.kernel.digests import canonical_json

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

CountTokens = Callable[[str], int]
_FRONT_MATTER: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_BLANK_LINES: Final = re.compile(r"\n[ \t]*\n\s*")
_MARKDOWN: Final = frozenset({"text/markdown", "text/x-markdown"})


@dataclass(frozen=True, slots=True)
class _Section:
    """What stands under one heading: blocks as spans of the source, and spans that must stay whole."""

    heading: tuple[str, ...]
    blocks: tuple[Span, ...]
    whole: tuple[Span, ...] = ()


def chunks_of(document: Document, count_tokens: CountTokens, max_tokens: int, overlap: int) -> list[Chunk]:
    """The document's chunks, in order; none where it holds no words."""
    text = document.text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    sections = _markdown_sections(text) if document.media_type in _MARKDOWN else _plain_sections(text)
    chunks: list[Chunk] = []
    seen: Counter[tuple[str, str]] = Counter()
    for section in sections:
        heading = " > ".join(section.heading)
        head = _head(section.heading, count_tokens, max_tokens)
        fits = _Fits(text, head, count_tokens, max_tokens)
        for start, end in _packed(fits, section, overlap):
            body = text[start:end]
            seen[heading, body] += 1
            identity = _identity(document.path, heading, body, seen[heading, body])
            whole = head + body
            chunks.append(Chunk(identity, document.path, heading, document.language, whole, count_tokens(whole)))
    return chunks


def _head(heading: Sequence[str], count_tokens: CountTokens, max_tokens: int) -> str:
    """The heading path as a first line; less of it, or none, where it would leave no room for the words under it."""
    for titles in (heading, heading[-1:]):
        head = f"# {' > '.join(titles)}\n\n"
        if titles and count_tokens(head) <= max_tokens // 2:
            return head
    return ""


def _identity(path: str, heading: str, body: str, occurrence: int) -> str:
    """Stable under changes elsewhere in the document; equal texts under one heading are told apart by their count."""
    return hashlib.sha256(canonical_json([path, heading, body, occurrence])).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Fits:
    """Whether a stretch of the text, with its heading line, is within the limit."""

    text: str
    head: str
    count_tokens: CountTokens
    max_tokens: int

    def __call__(self, start: int, end: int) -> bool:
        return self.count_tokens(self.head + self.text[start:end]) <= self.max_tokens

    def tokens(self, start: int, end: int) -> int:
        return self.count_tokens(self.text[start:end])


def _packed(fits: _Fits, section: _Section, overlap: int) -> Iterator[Span]:
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


def _step_back(fits: _Fits, pieces: Sequence[Span], first: int, last: int, overlap: int) -> int:
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


def _pieces(fits: _Fits, block: Span, whole: Sequence[Span]) -> list[Span]:
    """The block itself where it fits, else its sentences, else parts of a sentence."""
    if fits(*block) or block in whole:
        return [block]
    kept = [span for span in whole if block[0] <= span[0] and span[1] <= block[1]]
    found: list[Span] = []
    for start, end in _joined(_sentences(fits.text, block), kept):
        inside = any((a <= start and end <= b) or (start <= a and b <= end) for a, b in kept)
        found += [(start, end)] if inside or fits(start, end) else _cut(fits, start, end)
    return found


def _sentences(text: str, block: Span) -> list[Span]:
    return [(block[0] + start, block[0] + end) for start, end in sentence_spans(text[block[0] : block[1]])]


def _joined(spans: Sequence[Span], whole: Sequence[Span]) -> list[Span]:
    """Sentences between which a span that must stay whole would be cut become one."""
    result: list[Span] = []
    for span in spans:
        if result and any(a < span[0] < b and result[-1][1] > a for a, b in whole):
            result[-1] = (result[-1][0], span[1])
        else:
            result.append(span)
    return result


def _cut(fits: _Fits, start: int, end: int) -> list[Span]:
    """Cut a sentence over the limit: at the last space that fits, else at the last character that fits."""
    found: list[Span] = []
    while start < end and not fits(start, end):
        # The most characters that fit, by bisection: the token count does not fall as the text grows.
        most = bisect_left(range(1, end - start), True, key=lambda n: not fits(start, start + n))
        stop = start + max(most, 1)
        space = max(fits.text.rfind(" ", start + 1, stop), fits.text.rfind("\n", start + 1, stop))
        stop = space if space > start + most // 2 else stop
        found.append((start, stop))
        start = stop + (len(fits.text[stop:end]) - len(fits.text[stop:end].lstrip()))
    return [*found, (start, end)] if start < end else found


def _plain_sections(text: str) -> list[_Section]:
    cuts = [0, *(place for mark in _BLANK_LINES.finditer(text) for place in mark.span()), len(text)]
    return [_Section((), tuple(_trimmed(text, start, end) for start, end in pairwise(cuts) if text[start:end].strip()))]


def _trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip("\n")), start + len(piece.rstrip())


def _markdown_sections(text: str) -> list[_Section]:
    front = _FRONT_MATTER.match(text)
    skipped = front.end() if front else 0
    lines = [skipped]
    for line in text[skipped:].splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    sections: list[_Section] = []
    path: list[tuple[int, str]] = []
    blocks: list[Span] = []
    whole: list[Span] = []

    def close() -> None:
        if blocks:
            sections.append(_Section(tuple(title for _, title in path), tuple(blocks), tuple(whole)))
        blocks.clear()
        whole.clear()

    tokens = _parser().parse(text[skipped:])
    for index, token in enumerate(tokens):
        if token.map is None or token.nesting < 0:
            continue
        span = _trimmed(text, lines[token.map[0]], lines[min(token.map[1], len(lines) - 1)])
        if token.type in {"fence", "code_block"}:
            whole.append(span)
        if token.level:
            continue
        if token.type == "heading_open":
            close()
            depth = int(token.tag[1])
            path = [(level, title) for level, title in path if level < depth]
            path.append((depth, " ".join(tokens[index + 1].content.split())))
        elif token.type != "hr":
            blocks.append(span)
    close()
    return sections


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")
