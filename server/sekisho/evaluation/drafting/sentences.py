"""The sentences of a corpus that a question can be asked about, each as it stands in its document. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sekisho.indexing.types import UNKNOWN_LANGUAGE, Document
from sekisho.inference.text import has_cjk, sentence_spans

READABLE: Final = frozenset({"text/markdown", "text/x-markdown", "text/plain"})
"""Media types that are read here; a corpus's other files are left out, and the caller says so."""
_HEADING: Final = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_FRONT_MATTER: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_NO_PROSE: Final = ("```", "~~~", "|", "<", "![", "---")
_BULLET: Final = re.compile(r"^(?:[-*+]|\d+[.)]|>)\s+")
_ENDS: Final = re.compile(r"[.!?。！？][\"'”’)\]」』）]*$")
_LENGTHS: Final = {True: (10, 300), False: (25, 400)}
"""Characters of a sentence that is worth asking about: Japanese, others."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, verbatim; `heading` is the nearest one above it, `first` says whether nothing stands between."""

    document: str
    language: str
    heading: str
    text: str
    first: bool


def sentences_of(documents: Iterable[Document]) -> list[Sentence]:
    """In the order of the documents. A sentence that stands in the corpus twice answers for neither place: left out."""
    found = [sentence for document in documents for sentence in _of_document(document)]
    times = Counter("".join(sentence.text.split()) for sentence in found)
    return [sentence for sentence in found if times["".join(sentence.text.split())] == 1]


def _of_document(document: Document) -> Iterator[Sentence]:
    text = _FRONT_MATTER.sub("", document.text.replace("\r\n", "\n").removeprefix("\ufeff"))
    heading, first = "", True
    for start, end in sentence_spans(text):
        piece = text[start:end]
        line, _, rest = piece.partition("\n")
        if title := _HEADING.match(line):
            heading, first, piece = title[2], True, rest.strip()
        piece = _BULLET.sub("", piece)
        if _worth_asking(piece):
            yield Sentence(document.path, _language(document, piece), heading, piece, first)
            first = False


def _worth_asking(piece: str) -> bool:
    low, high = _LENGTHS[has_cjk(piece)]
    return low <= len(piece) <= high and not piece.startswith(_NO_PROSE) and bool(_ENDS.search(piece))


def _language(document: Document, piece: str) -> str:
    if document.language != UNKNOWN_LANGUAGE:
        return document.language
    return "ja" if has_cjk(piece) else "en"
