"""Rows that people bring to be scored without a server: a context, a response, what was expected. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from sekisho.evaluation.types import Case, Hit, Sample
from sekisho.kernel.errors import FieldError, Invalid

Measured = Annotated[int, msgspec.Meta(ge=0)]
Grade = Annotated[int, msgspec.Meta(ge=0, le=100)]
Passages = list[str | dict[str, Any]]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Other fields may stand beside these and are not read; null is the same as absent.

    ``context``: text, a list of passages, or a JSON object. ``response`` (or ``answer``): what a model said.
    ``retrieved``: passages, best first, as text or as objects with ``id``, ``document`` and ``text``; with ``qrels``
    (document or chunk id to grade) the ids alone will do. ``gold``: passages that answer the question.
    """

    id: str | int | None = None
    question: str | None = None
    response: str | None = None
    answer: str | None = None
    context: str | Passages | dict[str, Any] | None = None
    expected: str | None = None
    gold: str | list[str] | None = None
    retrieved: Passages | None = None
    qrels: dict[str, Grade] | None = None
    latency_ms: Measured | None = None
    tokens_in: Measured | None = None
    tokens_out: Measured | None = None

    @property
    def said(self) -> str | None:
        """The model's answer, under either name."""
        return self.answer if self.response is None else self.response

    @property
    def grounds(self) -> str | Sequence[str] | Mapping[str, Any] | None:
        """What the answer should stand on: the context, else what was retrieved."""
        if self.context is None:
            return None if self.retrieved is None else [_text(passage) for passage in self.retrieved]
        return [_text(passage) for passage in self.context] if isinstance(self.context, list) else self.context

    def sample(self) -> Sample:
        """The row as scorers read it."""
        found = self.retrieved if self.retrieved is not None else self.context
        hits = tuple(_hit(rank, item) for rank, item in enumerate(found, 1)) if isinstance(found, list) else None
        case = Case(
            id=str(self.id or ""),
            question=self.question or "",
            gold=(self.gold,) if isinstance(self.gold, str) else tuple(self.gold or ()),
            expected=self.expected,
            qrels=self.qrels or {},
        )
        return Sample(case, hits, self.said, self.latency_ms, None, self.tokens_in, self.tokens_out)


def read_row(raw: object) -> Row:
    """Raises `Invalid`, naming the field that is wrong."""
    try:
        return msgspec.convert(raw, Row)
    except msgspec.ValidationError as error:
        told, _, path = str(error).partition(" - at `")
        raise Invalid("the row cannot be scored", fields=[FieldError(path.rstrip("`") or "$", told)]) from error


def text_of(grounds: str | Sequence[str] | Mapping[str, Any]) -> str:
    """A context as one text: passages with an empty line between them, an object as JSON."""
    if isinstance(grounds, str):
        return grounds
    if isinstance(grounds, Mapping):
        return json.dumps(grounds, ensure_ascii=False)
    return "\n\n".join(grounds)


def _text(passage: str | Mapping[str, Any]) -> str:
    if isinstance(passage, str):
        return passage
    text = passage.get("text")
    return text if isinstance(text, str) else json.dumps(passage, ensure_ascii=False)


def _hit(rank: int, passage: str | Mapping[str, Any]) -> Hit:
    if isinstance(passage, str):
        return Hit(passage, passage, passage)
    chunk = str(passage.get("id") or passage.get("document") or f"#{rank}")
    return Hit(chunk, str(passage.get("document") or chunk), _text(passage))
