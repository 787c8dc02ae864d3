"""Text that strangers wrote, marked off inside a prompt, and quotes looked up in it. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import count

from sekisho.evaluation.words import terms
from sekisho.inference.text import has_cjk

_SPACE = re.compile(r"\s+")
_MARK = 16


@dataclass(frozen=True, slots=True)
class Fenced:
    """A text between two lines that cannot stand in it."""

    open: str
    text: str
    close: str

    def as_variable(self) -> dict[str, str]:
        return {"open": self.open, "text": self.text, "close": self.close}


def fence(word: str, text: str) -> Fenced:
    """Mark `text` off as a piece of material called `word`.

    The mark is a hash of the text, so the same text gives the same prompt and the same cache entry, and whoever
    writes the text cannot know the mark before it is written. Should it stand there all the same, the next is taken.
    """
    for attempt in count():
        mark = hashlib.sha256(f"{attempt}\n{word}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]
        if mark not in text:
            return Fenced(f"<{word} {mark}>", text, f"</{word} {mark}>")
    raise AssertionError("some mark is absent")


def one_line(text: str) -> str:
    """Every run of white space as one blank, so that a text cannot look like two."""
    return _SPACE.sub(" ", text).strip()


def stands_in(quote: str, text: str) -> bool:
    """Whether the quote is a piece of the text, letter by letter; white space is ignored on both sides.

    Lines wrap anywhere, in Japanese inside words too. Case, punctuation and spelling count.
    """
    bare = _SPACE.sub("", quote)
    return bool(bare) and bare in _SPACE.sub("", text)


def bears_on(quote: str, claim: str) -> bool:
    """Whether quote and claim share a content term: a quote that does not cannot be the words that decide.

    Says yes where the two are in different scripts, since then no term can be shared.
    """
    if has_cjk(quote) != has_cjk(claim):
        return bool(terms(quote))
    return not set(terms(quote)).isdisjoint(terms(claim))
