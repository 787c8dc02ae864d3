"""What a reader sees of an HTML page: its blocks as text, under the headings that they stand under.

The tokenizer is Python's own; it takes any bytes, follows nothing and runs nothing. Tables become a line for each row,
preformatted text keeps its lines and stays whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final

from sekisho.indexing.chunking.packing import Section
from sekisho.inference.text import Span

_UNSEEN: Final = frozenset({"script", "style", "template", "noscript", "title", "svg", "math", "iframe", "object"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_INLINE: Final = frozenset(
    {
        "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "input", "ins",
        "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time",
        "tt", "u", "var", "wbr",
    }
)  # fmt: skip
_CELLS: Final = frozenset({"td", "th"})
_READINGS: Final = frozenset({"rt", "rp"})
"""Readings beside kanji would stand in the middle of the words that they say how to read."""

_BETWEEN: Final = "\n\n"


def rendered(text: str) -> tuple[str, list[Section]]:
    """The page as text, blocks apart by blank lines, and its sections as spans of that text."""
    page = _Page()
    page.feed(text)
    page.close()
    page.end_block()
    return page.laid_out()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._unseen: list[str] = []
        self._pre = 0
        self._words: list[str] = []
        self._path: list[tuple[int, str]] = []
        self._heading: int | None = None
        self._blocks: list[tuple[tuple[str, ...], str, bool]] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _READINGS and self._unseen and self._unseen[-1] in _READINGS:
            self._unseen[-1] = tag  # their end tags may be left out
        elif tag in _UNSEEN or tag in _READINGS:
            self._unseen.append(tag)
        elif self._unseen:
            return
        elif tag == "br":
            self._words.append("\n" if self._pre else " ")
        elif tag in _CELLS:
            self._words.append(" | " if "".join(self._words).strip() else "")
        elif tag not in _INLINE:
            self.end_block()
            self._pre += tag == "pre"
            self._heading = int(tag[1]) if tag in _HEADINGS else self._heading

    def handle_endtag(self, tag: str) -> None:
        if tag == "ruby" and self._unseen and self._unseen[-1] in _READINGS:
            self._unseen.pop()
        elif tag in self._unseen:
            while self._unseen.pop() != tag:
                pass
        elif not self._unseen and tag not in _INLINE and tag not in _CELLS and tag != "br":
            self.end_block()
            self._pre -= tag == "pre" and self._pre > 0
            self._heading = None if tag in _HEADINGS else self._heading

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._words.append(data)

    def end_block(self) -> None:
        """What was read since the last block is a block, or a heading, of its own."""
        said, self._words = "".join(self._words), []
        text = said.strip("\n").rstrip() if self._pre else " ".join(said.split())
        if not text.strip():
            return
        level, self._heading = self._heading, None
        if level is not None:
            self._path = [one for one in self._path if one[0] < level] + [(level, " ".join(text.split()))]
        else:
            self._blocks.append((tuple(title for _, title in self._path), text, self._pre > 0))

    def laid_out(self) -> tuple[str, list[Section]]:
        sections: list[tuple[tuple[str, ...], list[Span], list[Span]]] = []
        place = 0
        for heading, block, whole in self._blocks:
            span = (place, place + len(block))
            place = span[1] + len(_BETWEEN)
            if not sections or sections[-1][0] != heading:
                sections.append((heading, [], []))
            sections[-1][1].append(span)
            sections[-1][2].extend([span] if whole else [])
        text = _BETWEEN.join(block for _, block, _ in self._blocks)
        return text, [Section(heading, tuple(blocks), tuple(whole)) for heading, blocks, whole in sections]
