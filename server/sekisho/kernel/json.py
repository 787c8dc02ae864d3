"""Strict JSON in: no duplicate keys, no NUL, valid UTF-8, bounded depth."""

from __future__ import annotations

import json
from typing import Any, Final

from sekisho.kernel.errors import FieldError, Invalid

MAX_DEPTH: Final = 64
MAX_PATH: Final = 60


def decode_json(data: bytes) -> Any:
    """Decode JSON text strictly. Raises `Invalid`, naming the place.

    Python's decoder would take the last of two equal keys and accept NaN; both are refused, as are NUL characters
    (PostgreSQL cannot hold them) and nesting deeper than `MAX_DEPTH`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid("$", f"not UTF-8: byte {error.start} is 0x{data[error.start]:02x}") from error
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _invalid("$", f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise _invalid("$", "holds a number of too many digits") from error
    except RecursionError as error:
        raise _invalid("$", f"nested deeper than {MAX_DEPTH}") from error
    _refuse_unfit(value)
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


def _refuse_unfit(value: Any) -> None:
    """Walk the value layer by layer: bounded depth, and no NUL in any string or key."""
    layer, depth = [value], 0
    while layer:
        depth += 1
        if depth > MAX_DEPTH:
            raise _invalid(_place_of(value, depth), f"nested deeper than {MAX_DEPTH}")
        following: list[Any] = []
        for node in layer:
            if isinstance(node, dict):
                following += [*node.keys(), *node.values()]
            elif isinstance(node, list):
                following += node
            elif isinstance(node, str) and "\x00" in node:
                raise _invalid(_place_of(value, depth), "holds a NUL character")
        layer = following


def _place_of(value: Any, depth: int) -> str:
    """The path of the first NUL, or of what is nested `depth` layers deep, cut to what can be read: the walk above
    keeps no paths, since nearly every input is sound."""
    layer: list[tuple[str, Any]] = [("$", value)]
    for _ in range(depth - 1):
        following: list[tuple[str, Any]] = []
        for path, node in layer:
            if isinstance(node, dict):
                following += [(path, key) for key in node]
                following += [(_longer(path, f".{key}"), below) for key, below in node.items()]
            elif isinstance(node, list):
                following += [(_longer(path, f"[{place}]"), below) for place, below in enumerate(node)]
        layer = following
    return next((path for path, node in layer if isinstance(node, str) and "\x00" in node), layer[0][0])


def _longer(path: str, step: str) -> str:
    return path + step if len(path) + len(step) <= MAX_PATH and "\x00" not in step else path


def _invalid(path: str, message: str) -> Invalid:
    return Invalid("the input is not valid JSON", fields=[FieldError(path, message)], remedy=f"mend {path}: {message}")
