"""Cursor pagination, ordered by (time, id). A cursor is opaque to callers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json

T = TypeVar("T")
MAX_LIMIT: Final = 200
_BEYOND: Final = 2**53  # no time is; and databases have no room for integers of any size


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row already seen: its time in epoch milliseconds and its id."""

    time: int
    id: str

    def encode(self) -> str:
        text = json.dumps([self.time, self.id], separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and the cursor that asks for the next ones (None at the end)."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def page_of(found: Sequence[T], size: int, place: Callable[[T], Cursor]) -> Page[T]:
    """The first `size` of what was found when one more than that was asked for: if it came, there is a next page."""
    shown = tuple(found[:size])
    return Page(shown, place(shown[-1]).encode() if len(found) > size else None)


def parse_cursor(text: str | None) -> Cursor | None:
    """Raises `Invalid` for anything that `Cursor.encode` did not write."""
    if not text:
        return None
    try:
        value = decode_json(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, Invalid) as error:
        raise _wrong_cursor() from error
    match value:
        case [int(time), str(identity)] if abs(time) < _BEYOND:
            return Cursor(time, identity)
        case _:
            raise _wrong_cursor()


def parse_limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid("the limit is out of range", fields=[FieldError("$.limit", f"use 1 to {MAX_LIMIT}")])
    return limit


def _wrong_cursor() -> Invalid:
    return Invalid(
        "the cursor is not one of this server's",
        fields=[FieldError("$.cursor", "pass next_cursor of the page before, unchanged")],
    )
