"""Cutting documents: by headings, sentences, phrases or tokens, up to a number of the embedder's tokens.

Every chunk's body is one unbroken stretch of the document (of HTML: of what a reader sees of it), so a quotation of it
is a quotation of the document. The versions of the ways to cut are in `types.CHUNKERS`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from sekisho.indexing.chunking.html import rendered
from sekisho.indexing.chunking.japanese import phrase_spans, sentence_spans
from sekisho.indexing.chunking.markdown import markdown_sections, plain_sections
from sekisho.indexing.chunking.packing import CountTokens, Fits, Section, packed
from sekisho.indexing.chunking.windows import windows
from sekisho.indexing.types import CHUNKER, Chunk, Document
from sekisho.inference import text as words
from sekisho.inference.text import Span
from sekisho.kernel.digests import canonical_json

__all__ = ["CountTokens", "chunks_of"]

_MARKDOWN: Final = frozenset({"text/markdown", "text/x-markdown"})
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_READS_HTML: Final = frozenset({"html", "japanese"})


def chunks_of(
    document: Document, count_tokens: CountTokens, max_tokens: int, overlap: int, name: str = CHUNKER
) -> list[Chunk]:
    """The document's chunks, in order; none where it holds no words. `name` is one of `types.CHUNKERS`."""
    text, sections = _sections(document, name)
    chunks: list[Chunk] = []
    seen: Counter[tuple[str, str]] = Counter()
    for section in sections:
        heading = " > ".join(section.heading)
        head = _head(section.heading, count_tokens, max_tokens)
        for start, end in _stretches(_fits(name, text, head, count_tokens, max_tokens), section, overlap, name):
            body = text[start:end]
            seen[heading, body] += 1
            identity = _identity(document.path, heading, body, seen[heading, body])
            whole = head + body
            chunks.append(Chunk(identity, document.path, heading, document.language, whole, count_tokens(whole)))
    return chunks


def _sections(document: Document, name: str) -> tuple[str, list[Section]]:
    """The text that chunks are stretches of, and what stands under each of its headings."""
    text = document.text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if name in {"sentence", "tokens"}:
        spans = tuple(words.sentence_spans(text)) if name == "sentence" else ((0, len(text)),)
        return text, [Section((), spans)]
    if document.media_type in _HTML and name in _READS_HTML:
        return rendered(text)
    return text, markdown_sections(text) if document.media_type in _MARKDOWN else plain_sections(text)


def _fits(name: str, text: str, head: str, count_tokens: CountTokens, max_tokens: int) -> Fits:
    if name == "japanese":
        return Fits(text, head, count_tokens, max_tokens, sentence_spans, phrase_spans)
    return Fits(text, head, count_tokens, max_tokens)


def _stretches(fits: Fits, section: Section, overlap: int, name: str) -> Iterator[Span]:
    return windows(fits, section.blocks[0], overlap) if name == "tokens" else packed(fits, section, overlap)


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
