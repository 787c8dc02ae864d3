"""Recorded answers: what somebody says that a subject answered, as JSON Lines. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json
from sekisho.registry.schemas import violations

Text = Annotated[str, Meta(max_length=100_000)]
MAX_NAMED: Final = 20


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line: what came out for the case `id`. `retrieved` are passages in the order in which they were found.

    At least one of `answer` and `retrieved` is there. `repeat` counts from 0.
    """

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    answer: Text | None = None
    retrieved: Annotated[tuple[Text, ...], Meta(max_length=1000)] | None = None
    repeat: Annotated[int, Meta(ge=0, lt=100)] = 0
    latency_ms: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


def parse_recorded(content: bytes, cases: Collection[str]) -> Mapping[tuple[str, int], Answered]:
    """Recorded answers by (case, repeat).

    Raises `Invalid`, naming each line that is wrong, repeats another, or answers a case that `cases` does not have.
    """
    found: dict[tuple[str, int], Answered] = {}
    wrong: list[FieldError] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip() or len(wrong) >= MAX_NAMED:
            continue
        try:
            row = _row(line)
        except Invalid as error:
            wrong += [FieldError(f"line {number}{one.path.removeprefix('$')}", one.message) for one in error.fields]
            continue
        if row.id not in cases:
            wrong.append(FieldError(f"line {number}.id", f"the suite's dataset has no case {row.id!r}"))
        elif (row.id, row.repeat) in found:
            wrong.append(FieldError(f"line {number}.id", f"case {row.id!r}, repeat {row.repeat} stands above already"))
        else:
            found[row.id, row.repeat] = row
    if not found and not wrong:
        wrong.append(FieldError("$", "no answers"))
    if wrong:
        raise Invalid("the recorded answers cannot be read", fields=wrong, remedy="mend the lines named")
    return found


def _row(line: bytes) -> Answered:
    raw = decode_json(line)
    try:
        row = msgspec.convert(raw, Answered)
    except msgspec.ValidationError as error:
        fields = violations(Answered, raw) or [FieldError("$", str(error))]
        raise Invalid("the row is not valid", fields=fields) from error
    if row.answer is None and row.retrieved is None:
        raise Invalid("the row is not valid", fields=[FieldError("$", "give `answer`, `retrieved`, or both")])
    return row
