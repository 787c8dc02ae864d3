"""Reading YAML strictly: no duplicate keys, no values that JSON does not have, bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from sekisho.kernel.errors import FieldError, Invalid

MAX_BYTES: Final = 1_000_000
MAX_VALUES: Final = 100_000


class _Loader(yaml.SafeLoader):
    """Dates stay text; a key that stands twice in one mapping is an error instead of the last one's victory."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        where = f"line {key_node.start_mark.line + 1}"
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(problem=f"{where}: the key {key!r} is not text; put it in quotes")
        if key in found:
            raise yaml.MarkedYAMLError(problem=f"{where}: the key {key!r} stands twice in one mapping")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(path: Path) -> Any:
    """The file's one document. Raises `Invalid`, naming file and line."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _invalid(path, f"has {size} bytes; at most {MAX_BYTES} are read")
        value = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  # a SafeLoader, made stricter
    except FileNotFoundError as error:
        raise _invalid(path, "there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(path, str(error)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _invalid(path, _words(error)) from error
    if _count(value) > MAX_VALUES:
        raise _invalid(path, f"holds more than {MAX_VALUES} values once its anchors are written out")
    return value


def _count(value: Any) -> int:
    """Values in it with every alias written out, counted no further than just over the limit."""
    counted, waiting = 0, [value]
    while waiting and counted <= MAX_VALUES:
        counted += 1
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return counted


def _words(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


def _invalid(path: Path, message: str) -> Invalid:
    return Invalid(
        f"{path} cannot be read", fields=[FieldError(f"{path}:$", message)], remedy="mend the file, then apply again"
    )
