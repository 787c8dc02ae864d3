"""DOCX to Markdown: headings, paragraphs and tables, in the order of the document.

A DOCX file is a ZIP of XML parts (ECMA-376). Pictures, comments, headers, footers and deleted text are left out.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element  # the type only: what parses is defusedxml

from sekisho.indexing.sources.types import Limits, Part, Refusal
from sekisho.indexing.sources.zips import open_zip, read_member

VERSION: Final = 1
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SKIPPED: Final = frozenset({f"{_W}del", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"})
_HEADING: Final = re.compile(r"^heading ([1-6])$", re.IGNORECASE)


def parse_docx(data: bytes, limits: Limits) -> Part:
    """Raises `Refusal`."""
    archive = open_zip(data, limits)
    document = _part(archive, "word/document.xml", limits)
    if document is None:
        raise Refusal("has no word/document.xml, so it is not a Word document")
    body = document.find(f"{_W}body")
    levels = _heading_levels(_part(archive, "word/styles.xml", limits))
    blocks = [] if body is None else [block for child in body for block in _blocks(child, levels)]
    text = "\n\n".join(blocks)
    if not text.strip():
        raise Refusal("holds no text")
    title, time, language = _properties(_part(archive, "docProps/core.xml", limits))
    return Part(
        text=text + "\n", media_type="text/markdown", extractor="docx", version=VERSION,
        title=title, time=time, language=language,
    )  # fmt: skip


def _part(archive: zipfile.ZipFile, name: str, limits: Limits) -> Element | None:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    try:
        member = archive.getinfo(name)
    except KeyError:
        return None
    try:
        content = read_member(archive, member, limits, limits.unpacked_bytes)
    except Refusal as error:
        raise Refusal(f"its part {name} {error}") from error
    depth, root = 0, None
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            root = element if root is None else root
            if depth > limits.nesting:
                raise Refusal(f"its part {name} is nested over {limits.nesting} deep")
    except DefusedXmlException as error:
        raise Refusal(f"its part {name} defines XML entities or a DTD, which no Word document needs") from error
    except ParseError as error:
        raise Refusal(f"its part {name} is not well-formed XML: {error}") from error
    return root


def _heading_levels(styles: Element | None) -> dict[str, int]:
    """The heading level of each style, by its id; the built-in names are English in every language of Word."""
    levels = {}
    for style in styles.iter(f"{_W}style") if styles is not None else ():
        name = style.find(f"{_W}name")
        shown = "" if name is None else name.get(f"{_W}val", "")
        if match := _HEADING.match(shown):
            levels[style.get(f"{_W}styleId", "")] = int(match[1])
        elif shown.lower() == "title":
            levels[style.get(f"{_W}styleId", "")] = 1
    return levels


def _blocks(element: Element, levels: dict[str, int]) -> Iterator[str]:
    if element.tag in _SKIPPED:
        return
    if element.tag == f"{_W}p":
        text = _text(element).strip()
        if text:
            level = levels.get(_style(element), 0)
            yield f"{'#' * level} {' '.join(text.split())}" if level else _plain(text)
    elif element.tag == f"{_W}tbl":
        rows = [" | ".join(" ".join(_text(cell).split()) for cell in row.iter(f"{_W}tc")) for row in _rows(element)]
        yield "\n".join(row for row in rows if row.strip(" |"))
    else:
        for child in element:
            yield from _blocks(child, levels)


def _rows(table: Element) -> list[Element]:
    return list(table.iter(f"{_W}tr"))


def _style(paragraph: Element) -> str:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return "" if style is None else style.get(f"{_W}val", "")


def _text(element: Element) -> str:
    pieces: list[str] = []
    waiting = [element]
    while waiting:
        one = waiting.pop()
        if one.tag in _SKIPPED:
            continue
        if one.tag == f"{_W}t":
            pieces.append(one.text or "")
        elif one.tag in {f"{_W}tab", f"{_W}br", f"{_W}cr"}:
            pieces.append("\t" if one.tag == f"{_W}tab" else "\n")
        elif one.tag == f"{_W}p" and pieces:
            pieces.append("\n")
        waiting.extend(reversed(one))
    return "".join(pieces)


def _plain(text: str) -> str:
    """A paragraph that begins like a Markdown heading is none."""
    return f"\\{text}" if text.startswith("#") else text


def _properties(core: Element | None) -> tuple[str | None, int | None, str | None]:
    """Title, time of the last change, and language, as the document says them itself."""
    found = {} if core is None else {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in core}
    return found.get("title") or None, time_of(found.get("modified") or ""), found.get("language") or None


def time_of(text: str) -> int | None:
    """Epoch milliseconds of an ISO 8601 time with an offset; None where it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if time.tzinfo is None or time.timestamp() < 0 else int(time.timestamp() * 1000)
