"""Which parser has which file. It runs in the parsing process, whose time and memory are bounded."""

from __future__ import annotations

from sekisho.indexing.sources.docx import parse_docx
from sekisho.indexing.sources.html import look_at_html
from sekisho.indexing.sources.pdf import parse_pdf
from sekisho.indexing.sources.tables import check_csv, parse_rows
from sekisho.indexing.sources.types import Parsed, Part, Refusal, Task


def parse(task: Task, data: bytes) -> Parsed:
    """Raises `Refusal`, and whatever a parser raises on bytes that it was not made for."""
    if task.rows is not None:
        return parse_rows(task.kind, data, task.rows, task.limits)
    return Parsed(parts=(_whole(task, data),))


def _whole(task: Task, data: bytes) -> Part:
    match task.kind:
        case "pdf":
            return parse_pdf(data, task.limits)
        case "docx":
            return parse_docx(data, task.limits)
        case "html":
            return look_at_html(data, task.limits)
        case "csv":
            return check_csv(data, task.limits)
        case "parquet":
            raise Refusal("is a table: say with `rows` which of its columns has the text")
        case _:
            return Part()
