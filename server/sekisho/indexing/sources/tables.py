"""Tables whose rows are documents: CSV with a head, JSON Lines, Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sekisho.indexing.sources.types import Limits, Parsed, Part, Refusal, Rows
from sekisho.kernel.errors import Invalid
from sekisho.kernel.json import decode_json

VERSION: Final = 1
_NAME: Final = re.compile(r"^[\w@+=-][\w.@+=-]{0,199}$")
_BATCH: Final = 100


def check_csv(data: bytes, limits: Limits) -> Part:
    """A CSV that is kept as it is. Raises `Refusal`."""
    for _ in _csv_rows(data, limits):
        pass
    return Part(media_type="text/csv")


def parse_rows(kind: str, data: bytes, rows: Rows, limits: Limits) -> Parsed:
    """A document a row. A row without text, or whose name is no name or an earlier row's, is refused by itself."""
    records = {"csv": _csv_records, "jsonl": _json_records, "parquet": _parquet_records}[kind](data, rows, limits)
    parts: dict[str, Part] = {}
    refused: list[tuple[str, str]] = []
    size = 0
    for number, record in enumerate(records, 1):
        if number > limits.members:
            raise Refusal(f"has more than {limits.members} rows; a corpus holds no more documents")
        try:
            if isinstance(record, str):
                raise Refusal(record)
            part = _part(number, record, rows, kind, limits)
            if part.name in parts:
                raise Refusal(f"column {rows.id!r} has {part.name!r}, as an earlier row has")
        except Refusal as error:
            refused.append((f"row {number}", str(error)))
            continue
        size += len(part.text or "")
        if size > limits.unpacked_bytes:
            raise Refusal(f"its rows hold more than {limits.unpacked_bytes} characters")
        parts[part.name or ""] = part
    return Parsed(parts=tuple(parts.values()), refused=tuple(refused))


def _part(number: int, record: Mapping[str, Any], rows: Rows, kind: str, limits: Limits) -> Part:
    text = _cell(record, rows.text, limits)
    if text is None:
        raise Refusal(f"column {rows.text!r} has no text")
    name = str(number) if rows.id is None else _cell(record, rows.id, limits)
    if name is None or not _NAME.match(name):
        raise Refusal(f"column {rows.id!r} has no name of letters, digits and . _ @ + = -")
    title = _cell(record, rows.title, limits)
    return Part(
        text=f"# {' '.join(title.split())}\n\n{text}\n" if title else f"{text}\n",
        name=name,
        media_type="text/markdown" if title else "text/plain",
        extractor=f"{kind}-rows",
        version=VERSION,
        title=title,
        language=_cell(record, rows.language, limits),
        uri=_cell(record, rows.uri, limits),
    )


def _cell(record: Mapping[str, Any], column: str | None, limits: Limits) -> str | None:
    """The cell's text; None for none, or where it is empty. Raises `Refusal` where it is a list or a mapping."""
    value = None if column is None else record.get(column)
    if value is None:
        return None
    if not isinstance(value, str | int | float | bool):
        raise Refusal(f"column {column!r} holds a {type(value).__name__}, not text")
    text = str(value).replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()
    if len(text.encode()) > limits.cell_bytes:
        raise Refusal(f"column {column!r} has a cell over {limits.cell_bytes} bytes")
    return text or None


def _csv_rows(data: bytes, limits: Limits) -> Iterator[list[str]]:
    csv.field_size_limit(limits.cell_bytes)
    text = data.decode("utf-8").removeprefix("\ufeff")
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except csv.Error as error:
        over = "field larger than field limit" in str(error)
        raise Refusal(
            f"has a cell over {limits.cell_bytes} bytes" if over else f"is not a CSV that can be read: {error}"
        ) from error


def _csv_records(data: bytes, rows: Rows, limits: Limits) -> Iterator[Mapping[str, Any] | str]:
    lines = _csv_rows(data, limits)
    head = next(lines, [])
    _need(rows, head)
    for line in lines:
        if len(line) == len(head):
            yield dict(zip(head, line, strict=True))
        elif line:
            yield f"has {len(line)} cells, and the head {len(head)}"


def _json_records(data: bytes, _rows: Rows, _limits: Limits) -> Iterator[Mapping[str, Any] | str]:
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            value = decode_json(line)
        except Invalid as error:
            yield f"cannot be read: {'; '.join(field.message for field in error.fields)}"
            continue
        yield value if isinstance(value, dict) else "is not a JSON object"


def _parquet_records(data: bytes, rows: Rows, limits: Limits) -> Iterator[Mapping[str, Any] | str]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise Refusal("needs the extra 'parquet' to be read: pip install 'sekisho[parquet]'") from error
    try:
        opened = pq.ParquetFile(pa.BufferReader(data))
        _need(rows, opened.schema_arrow.names)
        if opened.metadata.num_rows > limits.members:
            raise Refusal(f"has {opened.metadata.num_rows} rows; a corpus holds at most {limits.members} documents")
        columns = [name for name in (rows.text, rows.id, rows.title, rows.language, rows.uri) if name]
        for batch in opened.iter_batches(_BATCH, columns=columns, use_threads=False):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise Refusal(f"is not a Parquet file that can be read: {error}") from error


def _need(rows: Rows, head: Iterable[str]) -> None:
    names = list(head)
    wanted = [name for name in (rows.text, rows.id, rows.title, rows.language, rows.uri) if name]
    absent = [name for name in wanted if name not in names]
    if absent:
        there = ", ".join(names[:20]) or "none"
        noun = "column" if len(absent) == 1 else "columns"
        raise Refusal(f"has no {noun} {', '.join(map(repr, absent))}; its columns are {there}")
