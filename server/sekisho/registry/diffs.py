"""What changed between two manifests: as steps on JSON pointers, and as unified text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher, unified_diff
from typing import Any, Final

import yaml

from sekisho.kernel.digests import canonical_json
from sekisho.registry.types import Difference

NOTHING: Final = object()


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Steps that lead from `before` to `after`.

    Items of lists are matched by content. A removed item is named by its place in `before`, every other by its
    place in `after`: the steps are to be read, not applied one after the other.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path)
    elif canonical_json(before) != canonical_json(after):
        yield Difference("replace", path, before, after)


def _objects(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        here = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in after:
            yield Difference("remove", here, before[name])
        elif name not in before:
            yield Difference("add", here, None, after[name])
        else:
            yield from differences(before[name], after[name], here)


def _lists(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    old, new = ([canonical_json(item) for item in items] for items in (before, after))
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        paired = min(old_to - old_from, new_to - new_from)
        for step in range(paired):
            yield from differences(before[old_from + step], after[new_from + step], f"{path}/{new_from + step}")
        for place in range(old_from + paired, old_to):
            yield Difference("remove", f"{path}/{place}", before[place])
        for place in range(new_from + paired, new_to):
            yield Difference("add", f"{path}/{place}", None, after[place])


def as_steps(before: Any, after: Any) -> list[dict[str, Any]]:
    """The differences as JSON ``[{"op", "path", "from", "to"}]``; ``from`` or ``to`` is absent where there is none."""
    steps = []
    for found in differences(before, after):
        step = {"op": found.op, "path": found.path}
        if found.op != "add":
            step["from"] = found.before
        if found.op != "remove":
            step["to"] = found.after
        steps.append(step)
    return steps


def as_text(before: Any, after: Any, before_name: str, after_name: str) -> str:
    """A unified diff of the manifests as YAML, with a template's lines as lines; empty where nothing changed."""
    lines = unified_diff(
        readable(before).splitlines(keepends=True), readable(after).splitlines(keepends=True), before_name, after_name
    )
    return "".join(lines)


def readable(manifest: Any) -> str:
    """YAML with sorted keys and block text."""
    return yaml.dump(manifest, Dumper=_Dumper, allow_unicode=True, sort_keys=True, width=100_000)


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, which PyYAML would quote."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
