"""Strict JSON in: no duplicate keys, no NUL, valid UTF-8, bounded depth."""

from __future__ import annotations

import json
from typing import Any, Final

from sekisho.kernel.errors import FieldError, Invalid

MAX_DEPTH: Final = 64


def decode_json(data: bytes) -> Any:
    """Decode JSON text strictly. Raises `Invalid`, naming the place.

    Python's decoder would take the last of two equal keys and accept NaN; both are refused, as are NUL characters
    (PostgreSQL cannot hold them) and nesting deeper than `MAX_DEPTH`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid("$", f"not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from error
    if "\x00" in text or "\\u0000" in text:
        raise _invalid("$", "holds a NUL character")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _invalid("$", f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise _invalid("$", f"nested deeper than {MAX_DEPTH}") from error
    if _depth(value) > MAX_DEPTH:
        raise _invalid("$", f"nested deeper than {MAX_DEPTH}")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _invalid(f"$..{key}", "the same key stands twice in one object")
            seen.add(key)
    return result


def _no_constant(name: str) -> Any:
    raise _invalid("$", f"{name} is not JSON")


def _depth(value: Any) -> int:
    deepest, layer = 0, [value]
    while layer and deepest <= MAX_DEPTH:
        deepest += 1
        layer = [
            child
            for node in layer
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return deepest


def _invalid(path: str, message: str) -> Invalid:
    return Invalid("the input is not valid JSON", fields=[FieldError(path, message)], remedy=f"mend {path}: {message}")
