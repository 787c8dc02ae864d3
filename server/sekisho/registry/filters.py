"""The filters of prompt templates: plain functions on JSON values, of which only those in `GROWING` lengthen text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2.runtime import Undefined

from sekisho.kernel.errors import Invalid

GROWING: Final = frozenset({"indent", "join", "tojson"})


def text_of(value: Any) -> Any:
    """JSON's words for what is not a string, so that a boolean does not come out as Python writes it."""
    return value if isinstance(value, (str, Undefined)) else tojson(value)


def tojson(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def join(value: Any, separator: str = "") -> str:
    return str(separator).join(text_of(item) for item in _list(value, "join"))


def indent(value: Any, width: int = 4) -> str:
    """Every line but the first moved right by up to 16 spaces."""
    return ("\n" + " " * min(max(int(width), 0), 16)).join(text_of(value).split("\n"))


def items(value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise Invalid("items is applied to something that is not an object")
    return sorted(value.items())


def length(value: Any) -> int:
    if not isinstance(value, (str, list, tuple, dict)):
        raise Invalid("length is applied to something that has none")
    return len(value)


def first(value: Any) -> Any:
    return _place(value, 0, "first")


def last(value: Any) -> Any:
    return _place(value, -1, "last")


def unique(value: Any) -> list[Any]:
    """Each item once, at its first place."""
    return list({tojson(item): item for item in reversed(_list(value, "unique"))}.values())[::-1]


def _place(value: Any, index: int, name: str) -> Any:
    found = _list(value, name)
    if not found:
        raise Invalid(f"{name} is applied to an empty list")
    return found[index]


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise Invalid(f"{name} is applied to something that is not a list")
    return list(value)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "count": length,
    "first": first,
    "indent": indent,
    "items": items,
    "join": join,
    "last": last,
    "length": length,
    "lower": lambda value: text_of(value).lower(),
    "reverse": lambda value: _list(value, "reverse")[::-1],
    "sort": lambda value: sorted(_list(value, "sort")),
    "tojson": tojson,
    "trim": lambda value: text_of(value).strip(),
    "unique": unique,
    "upper": lambda value: text_of(value).upper(),
}
