"""What an answer may lean on, read once: passages of text, or an object whose leaves are fields with a path."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Context = str | Sequence[str] | Mapping[str, object]

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-.\s]+")
MAX_FIELDS: Final = 20_000
MAX_DEPTH: Final = 40


@dataclass(frozen=True, slots=True)
class Field:
    """A leaf of a structured context. `path` is in words: ``("attributes", "outdoor seating")``."""

    path: tuple[str, ...]
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Material:
    """A context as text, and as fields where it has any."""

    text: str
    fields: tuple[Field, ...] = ()
    lists: tuple[tuple[str, int], ...] = ()
    """Name and length of every list in it: what "three reviews" may refer to."""

    @property
    def structured(self) -> bool:
        return bool(self.fields)


def read(context: Context) -> Material:
    """Text stays text, passages are joined, an object (or text that is one JSON object) is taken apart into fields."""
    if isinstance(context, str):
        parsed = _parsed(context)
        return Material(context) if parsed is None else _structured(parsed)
    if isinstance(context, Mapping):
        return _structured(context)
    return Material("\n\n".join(context))


def _parsed(text: str) -> Mapping[str, object] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _structured(root: Mapping[str, object]) -> Material:
    fields: list[Field] = []
    lists: list[tuple[str, int]] = []
    _walk((), root, fields, lists)
    text = "\n".join(_line(field) for field in fields)
    return Material(text, tuple(fields), tuple(lists))


def _walk(path: tuple[str, ...], value: object, fields: list[Field], lists: list[tuple[str, int]]) -> None:
    if len(fields) >= MAX_FIELDS or len(path) > MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _walk((*path, in_words(str(key))), inner, fields, lists)
    elif isinstance(value, list | tuple):
        lists.append((path[-1] if path else "", len(value)))
        for inner in value:
            _walk(path, inner, fields, lists)
    else:
        plain = value if value is None or isinstance(value, str | int | float | bool) else str(value)
        fields.append(Field(path, plain))


def in_words(key: str) -> str:
    """``RestaurantsTakeOut`` → ``restaurants take out``; ``WiFi`` stays one word."""
    return " ".join(part for part in _HUMP.split(key.replace("WiFi", "Wifi")) if part).lower()


def _line(field: Field) -> str:
    return f"{' '.join(field.path[-2:])}: {_shown(field.value)}"


def _shown(value: str | int | float | bool | None) -> str:
    if value is None:
        return "unknown"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
