"""Checks on the bytes that corpora and datasets name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json

MAX_LINES_NAMED: Final = 20
_IDENTITIES: Final = ("id", "_id", "request_id", "dataset_record_id")
_OTHERS: Final = frozenset(
    {"user_input", "retrieved_contexts", "contexts", "ground_truth", "ground_truths", "inputs", "request", "input"}
)
"""Fields that only the rows of other tools have; `sekisho.evaluation.dialects` reads them."""


def text_problem(data: bytes) -> str | None:
    """Why these bytes are not text; None where they are UTF-8 without control bytes that no text has."""
    if b"\x00" in data:
        return f"is binary: byte {data.index(0)} is NUL"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"is not UTF-8: byte {error.start} is 0x{data[error.start]:02x}"
    return None


def describe_dataset(data: bytes) -> tuple[int, tuple[str, ...]]:
    """The number of cases in JSON Lines, and the sorted names of the fields that occur.

    Raises `Invalid`, naming the lines that are not strict JSON objects, have no id, or repeat another line's.
    """
    cases, wrong = read_cases(data)
    if wrong:
        raise Invalid("the dataset is not valid", fields=wrong, remedy="mend the lines named; one JSON object a line")
    return len(cases), fields_of(cases)


def fields_of(cases: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted({name for case in cases for name in case}))


def read_cases(data: bytes) -> tuple[list[dict[str, Any]], list[FieldError]]:
    """Every case, and every line that is wrong (the first `MAX_LINES_NAMED` of them)."""
    cases: list[dict[str, Any]] = []
    wrong: list[FieldError] = []
    seen: dict[str, int] = {}
    for number, line in _lines(data):
        try:
            case = decode_json(line)
        except Invalid as error:
            wrong += [FieldError(f"line {number}", f"{field.path}: {field.message}") for field in error.fields]
            continue
        if problem := _case_problem(case, number, seen):
            wrong.append(FieldError(f"line {number}", problem))
        else:
            cases.append(case)
    if not cases and not wrong:
        wrong.append(FieldError("line 1", "there are no cases"))
    if len(wrong) > MAX_LINES_NAMED:
        wrong = [*wrong[:MAX_LINES_NAMED], FieldError("$", f"and {len(wrong) - MAX_LINES_NAMED} lines more")]
    return cases, wrong


def identity_of(case: Mapping[str, Any]) -> Any:
    """A case's id. A row of a tool that gives none, or a number, gets a digest of the row, or the number as text."""
    name = next((name for name in _IDENTITIES if case.get(name) is not None), None)
    if not case.keys() & _OTHERS:
        return None if name is None else case[name]
    if name is None:
        plain = json.dumps(case, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return f"case-{hashlib.sha256(plain.encode()).hexdigest()[:16]}"
    return str(case[name]) if type(case[name]) is int else case[name]


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    yield from enumerate(lines, start=1)


def _case_problem(case: Any, number: int, seen: dict[str, int]) -> str | None:
    if not isinstance(case, dict):
        return "is not a JSON object"
    identity = identity_of(case)
    if not isinstance(identity, str) or not identity:
        return "$.id: every case has an id, a text that is not empty"
    if identity in seen:
        return f"$.id: {identity!r} is the id of line {seen[identity]} too"
    seen[identity] = number
    return None
