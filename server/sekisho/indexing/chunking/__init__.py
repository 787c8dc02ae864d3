"""Cutting documents: by headings, sentences, phrases or tokens, up to a number of the embedder's tokens.

Every chunk's body is one unbroken stretch of the document (of HTML: of what a reader sees of it), so a quotation of it
is a quotation of the document. The versions of the ways to cut are in `types.CHUNKERS`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from sekisho.indexing.chunking.html import rendered
from sekisho.indexing.chunking.japanese import phrase_spans, sentence_spans
from sekisho.indexing.chunking.markdown import markdown_sections, plain_sections
from sekisho.indexing.chunking.packing import CountTokens, Fits, Section, packed
from sekisho.indexing.chunking.windows import windows
from sekisho.indexing.types import CHUNKER, Chunk, Document
from sekisho.inference import text as words
from sekisho.inference.text import Span
from sekisho.kernel.digests import canonical_json

__all__ = ["CountTokens", "Cut", "chunks_at", "chunks_of", "cuts_of"]

_MARKDOWN: Final = frozenset({"text/markdown", "text/x-markdown"})
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_READS_HTML: Final = frozenset({"html", "japanese"})
_REMEMBERED: Final = 64
"""Stretches of which the number of tokens is kept while a document is cut."""


class Cut(msgspec.Struct, frozen=True, array_like=True):
    """Where one chunk stands: under which heading, from where to where, how much of the heading it names; its tokens.

    With the same document it gives the same chunk again.
    """

    heading: tuple[str, ...]
    start: int
    end: int
    titles: int
    """How many titles of the heading, counted from its end, the chunk's first line names."""
    tokens: int


def chunks_of(
    document: Document, count_tokens: CountTokens, max_tokens: int, overlap: int, name: str = CHUNKER
) -> list[Chunk]:
    """The document's chunks, in order; none where it holds no words. `name` is one of `types.CHUNKERS`."""
    return chunks_at(document, cuts_of(document, count_tokens, max_tokens, overlap, name), name)


def cuts_of(
    document: Document, count_tokens: CountTokens, max_tokens: int, overlap: int, name: str = CHUNKER
) -> list[Cut]:
    """Where the document is cut, which is nearly all of the work: tokens are counted to find out."""
    text, sections = _sections(document, name)
    # The stretch that fitted last is asked for again when its chunk is made, and when the next one steps back.
    count = lru_cache(maxsize=_REMEMBERED)(count_tokens)
    cuts: list[Cut] = []
    for section in sections:
        titles = _titles(section.heading, count, max_tokens)
        head = _head(section.heading, titles)
        for start, end in _stretches(_fits(name, text, head, count, max_tokens), section, overlap, name):
            cuts.append(Cut(section.heading, start, end, titles, count(head + text[start:end])))
    return cuts


def chunks_at(document: Document, cuts: Sequence[Cut], name: str = CHUNKER) -> list[Chunk]:
    """The chunks of a document that was cut there by this chunker."""
    text = _text(document, name)
    chunks: list[Chunk] = []
    seen: Counter[tuple[str, str]] = Counter()
    for cut in cuts:
        heading, body = " > ".join(cut.heading), text[cut.start : cut.end]
        seen[heading, body] += 1
        identity = _identity(document.path, heading, body, seen[heading, body])
        whole = _head(cut.heading, cut.titles) + body
        chunks.append(Chunk(identity, document.path, heading, document.language, whole, cut.tokens))
    return chunks


def _sections(document: Document, name: str) -> tuple[str, list[Section]]:
    """The text that chunks are stretches of, and what stands under each of its headings."""
    text = _source(document)
    if name in {"sentence", "tokens"}:
        spans = tuple(words.sentence_spans(text)) if name == "sentence" else ((0, len(text)),)
        return text, [Section((), spans)]
    if _is_page(document, name):
        return rendered(text)
    return text, markdown_sections(text) if document.media_type in _MARKDOWN else plain_sections(text)


def _text(document: Document, name: str) -> str:
    """That text alone, which is nearly always at hand."""
    return rendered(_source(document))[0] if _is_page(document, name) else _source(document)


def _source(document: Document) -> str:
    return document.text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _is_page(document: Document, name: str) -> bool:
    return name in _READS_HTML and document.media_type in _HTML


def _fits(name: str, text: str, head: str, count_tokens: CountTokens, max_tokens: int) -> Fits:
    if name == "japanese":
        return Fits(text, head, count_tokens, max_tokens, sentence_spans, phrase_spans)
    return Fits(text, head, count_tokens, max_tokens)


def _stretches(fits: Fits, section: Section, overlap: int, name: str) -> Iterator[Span]:
    return windows(fits, section.blocks[0], overlap) if name == "tokens" else packed(fits, section, overlap)


def _titles(heading: Sequence[str], count_tokens: CountTokens, max_tokens: int) -> int:
    """How much of the heading path leaves room for the words under it: all of it, its last title, or nothing."""
    for titles in (len(heading), 1):
        if heading and count_tokens(_head(heading, titles)) <= max_tokens // 2:
            return titles
    return 0


def _head(heading: Sequence[str], titles: int) -> str:
    """The last titles of the heading path as a first line."""
    return f"# {' > '.join(heading[-titles:])}\n\n" if titles else ""


def _identity(path: str, heading: str, body: str, occurrence: int) -> str:
    """Stable under changes elsewhere in the document; equal texts under one heading are told apart by their count."""
    return hashlib.sha256(canonical_json([path, heading, body, occurrence])).hexdigest()[:32]
