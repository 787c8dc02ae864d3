"""Labelled answers as qualification reads them: our own field names, and those of the usual grounding data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from sekisho.evaluation.types import Case, Hit, Sample
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json

MAX_ROWS: Final = 20_000
MAX_NAMED: Final = 20
_AT_FAULT: Final = ("hallucinated", "unsupported", "partially_supported", "not_supported", "irrelevant", "incorrect")
_FAULT: Final = {**dict.fromkeys(_AT_FAULT, True), **dict.fromkeys(("supported", "relevant", "correct"), False)}
Long = Annotated[str, msgspec.Meta(max_length=2_000_000)]


class LabelRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a labels file.

    ``context``: a text, a list of passages, or a JSON object. ``label``: ``supported`` or ``hallucinated`` (also
    ``relevant``/``irrelevant`` and ``correct``/``incorrect`` for other scorers), or ``hallucinated`` as a boolean.
    ``source_id``: what the row was made from; rows of one source are not independent. ``expected``: a reference
    answer, for `judge.correctness`. The rest describes the row and is not read.
    """

    context: Long | list[Long] | dict[str, Any]
    response: Long
    question: Long | None = None
    expected: Long | None = None
    label: str | None = None
    hallucinated: bool | None = None
    id: str | None = None
    source_id: str | int | None = None
    task: str | None = None
    generator: str | None = None
    language: str | None = None
    spans: list[Any] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sample as scorers see it, and what people said of it: `fault` where they found it at fault."""

    sample: Sample
    fault: bool
    cluster: str


def parse_labels(content: bytes) -> tuple[Labelled, ...]:
    """Every row of a JSONL file. Raises `Invalid`, naming the lines that are wrong; no row is skipped.

    Both labels must occur: agreement on one of them alone says nothing.
    """
    rows: list[Labelled] = []
    wrong: list[FieldError] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip() or len(wrong) >= MAX_NAMED:
            continue
        try:
            row = _row(decode_json(line), number)
        except (Invalid, msgspec.ValidationError) as error:
            wrong.append(FieldError(f"line {number}", _message(error)))
            continue
        name = row.sample.case.id
        if name in seen:
            wrong.append(FieldError(f"line {number}", f"the id {name!r} stands on line {seen[name]} already"))
        seen[name] = number
        rows.append(row)
    wrong += _as_a_whole(rows) if not wrong else []
    if wrong:
        raise Invalid("the labels cannot be used", fields=wrong, remedy="mend the lines named and send the file again")
    return tuple(rows)


def _as_a_whole(rows: list[Labelled]) -> list[FieldError]:
    if not rows:
        return [FieldError("$", "no rows")]
    if len(rows) > MAX_ROWS:
        return [FieldError("$", f"{len(rows)} rows; at most {MAX_ROWS} are read")]
    if len({row.fault for row in rows}) < 2:
        return [FieldError("$", "every row has the same label; a judge is qualified on both")]
    return []


def _row(raw: Any, number: int) -> Labelled:
    row = msgspec.convert(raw, LabelRow)
    texts = _passages(row.context)
    cluster = f"content:{digest_of(texts)}" if row.source_id is None else f"source:{row.source_id}"
    case = Case(row.id or f"line {number}", row.question or "", cluster=cluster, expected=row.expected)
    hits = tuple(Hit(f"passage-{place}", cluster, text) for place, text in enumerate(texts, 1))
    return Labelled(Sample(case, hits, row.response), _fault(row), cluster)


def _passages(context: str | list[str] | dict[str, Any]) -> list[str]:
    if isinstance(context, dict):
        return [json.dumps(context, ensure_ascii=False)]
    return [context] if isinstance(context, str) else context


def _fault(row: LabelRow) -> bool:
    """What the row's label means. Where both forms stand they must agree."""
    said = None if row.label is None else _FAULT.get(row.label)
    if row.label is not None and said is None:
        raise _refused("$.label", f"{row.label!r} is not one of {', '.join(_FAULT)}")
    if said is None and row.hallucinated is None:
        raise _refused("$.label", "required: supported or hallucinated; or `hallucinated`, true or false")
    if said is not None and row.hallucinated not in {None, said}:
        raise _refused("$.hallucinated", f"says otherwise than the label {row.label!r}")
    return bool(row.hallucinated if said is None else said)


def _refused(path: str, message: str) -> Invalid:
    return Invalid("the row is not valid", fields=[FieldError(path, f"{path} {message}")])


def _message(error: Exception) -> str:
    if isinstance(error, Invalid) and error.fields:
        return error.fields[0].message
    return str(error)
