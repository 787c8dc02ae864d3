"""Where the headings, blocks and fenced code of a Markdown text are; and the paragraphs of a plain one."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sekisho.indexing.chunking.packing import Section, trimmed
from sekisho.inference.text import Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_FRONT_MATTER: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_BLANK_LINES: Final = re.compile(r"\n[ \t]*\n\s*")


def plain_sections(text: str) -> list[Section]:
    """One section, with the paragraphs between blank lines as its blocks."""
    cuts = [0, *(place for mark in _BLANK_LINES.finditer(text) for place in mark.span()), len(text)]
    return [Section((), tuple(trimmed(text, start, end) for start, end in pairwise(cuts) if text[start:end].strip()))]


def markdown_sections(text: str) -> list[Section]:
    front = _FRONT_MATTER.match(text)
    skipped = front.end() if front else 0
    lines = [skipped]
    for line in text[skipped:].splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    blocks: list[Span] = []
    whole: list[Span] = []

    def close() -> None:
        if blocks:
            sections.append(Section(tuple(title for _, title in path), tuple(blocks), tuple(whole)))
        blocks.clear()
        whole.clear()

    tokens = _parser().parse(text[skipped:])
    for index, token in enumerate(tokens):
        if token.map is None or token.nesting < 0:
            continue
        span = trimmed(text, lines[token.map[0]], lines[min(token.map[1], len(lines) - 1)])
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

    # What stands within a line is asked for by nobody here, and takes half of the time.
    return MarkdownIt("commonmark").enable("table").disable("inline")
