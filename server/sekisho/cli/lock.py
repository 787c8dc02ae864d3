"""``sekisho.lock``: name → digest of what this commit means. Written by `apply`, read by `eval` and `promote`.

One line per name, sorted, so that two branches seldom meet on a line and a revert brings back the very bytes.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sekisho.kernel.digests import is_digest
from sekisho.kernel.errors import FieldError, Invalid, NotFound
from sekisho.kernel.references import DEFAULT_PROJECT, parse_name, parse_reference

SCHEMA: Final = "sekisho.lock/v1"
NAME: Final = "sekisho.lock"
_HEAD: Final = (
    "# Written by `sekisho apply`: what this commit means. Keep it beside sekisho.yaml in git; do not edit it.\n"
)
_APPLY: Final = "run `sekisho apply`, which writes it, or name a selector, such as agent/<name>@sha256:…"


@dataclass(frozen=True, slots=True)
class Lock:
    """`versions` maps each label (``kind/name``) to the digest that it means."""

    path: Path
    project: str
    versions: Mapping[str, str]

    @property
    def labels(self) -> tuple[str, ...]:
        """Every ``kind/name`` in it, sorted."""
        return tuple(sorted(self.versions))

    def digest(self, label: str) -> str:
        """The digest that `label` (``kind/name``) means. Raises `NotFound`."""
        if label not in self.versions:
            raise NotFound(f"{self.path} does not hold {label}", remedy=_APPLY)
        return self.versions[label]

    def text(self) -> str:
        """The file's content; the same versions always give the same bytes."""
        lines = [f"{json.dumps(label)} = {json.dumps(self.versions[label])}\n" for label in self.labels]
        return f'{_HEAD}schema = "{SCHEMA}"\nproject = {json.dumps(self.project)}\n\n[versions]\n{"".join(lines)}'


def read_lock(path: Path) -> Lock:
    """The lock at `path`.

    Raises `NotFound` where there is none, and `Invalid`, naming each wrong place, where it is not one.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}, and no selector was given", remedy=_APPLY) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(
            f"{path} cannot be read as a lock", fields=[FieldError("$", str(error))], remedy=_APPLY
        ) from error
    wrong = list(_problems(content))
    if wrong:
        raise Invalid(f"{path} is not a lock", fields=wrong, remedy="run `sekisho apply` again rather than editing it")
    return Lock(path, content["project"], content["versions"])


def read_lock_or_empty(path: Path, project: str = DEFAULT_PROJECT) -> Lock:
    """As `read_lock`, and an empty lock where there is no file yet."""
    return read_lock(path) if path.exists() else Lock(path, project, {})


def write_lock(lock: Lock) -> bool:
    """Put the lock in place whole, or leave what was there; False where it already says the same."""
    text = lock.text()
    if lock.path.exists() and lock.path.read_text("utf-8") == text:
        return False
    partial = lock.path.with_name(f".{lock.path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(lock.path)
    finally:
        partial.unlink(missing_ok=True)
    return True


def _problems(content: Mapping[str, Any]) -> list[FieldError]:
    wrong = [FieldError(f"$.{name}", "unknown") for name in content if name not in {"schema", "project", "versions"}]
    if content.get("schema") != SCHEMA:
        wrong.append(FieldError("$.schema", f"must be {SCHEMA!r}"))
    if not _parses(lambda: parse_name(content.get("project", ""), what="project")):
        wrong.append(FieldError("$.project", "must be a project's name"))
    versions = content.get("versions")
    if not isinstance(versions, dict):
        return [*wrong, FieldError("$.versions", "must be a table of kind/name = digest")]
    for label, digest in versions.items():
        if not _is_label(label):
            wrong.append(FieldError(f"$.versions.{label}", "is not kind/name"))
        if not isinstance(digest, str) or not is_digest(digest):
            wrong.append(FieldError(f"$.versions.{label}", "must be sha256: and 64 hex digits"))
    return wrong


def _is_label(text: str) -> bool:
    return text.count("/") == 1 and "@" not in text and _parses(lambda: parse_reference(text))


def _parses(parse: Any) -> bool:
    try:
        parse()
    except (Invalid, TypeError):
        return False
    return True
