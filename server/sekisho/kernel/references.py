"""References: ``[project/]kind/name@selector``.

The selector is a stage (``production``), a number (``v3``), a digest (``sha256:…``, or twelve or more hex
digits where they are unambiguous) or ``latest``. Parsing either gives a `Reference` or raises `Invalid`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sekisho.kernel.digests import PREFIX, is_digest
from sekisho.kernel.errors import FieldError, Invalid

DEFAULT_PROJECT: Final = "default"
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_NUMBER: Final = re.compile(r"v([1-9][0-9]{0,8})")
_NUMBERED: Final = re.compile(r"v[0-9]+")
_HEX: Final = re.compile(r"[0-9a-f]+")
_STAGE: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Kind(StrEnum):
    """The kinds of artifact."""

    SYSTEM = "system"
    PROMPT = "prompt"
    CORPUS = "corpus"
    INDEX = "index"
    AGENT = "agent"
    DATASET = "dataset"
    SUITE = "suite"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Latest:
    """The version registered last."""

    def __str__(self) -> str:
        return "latest"


@dataclass(frozen=True, slots=True)
class Number:
    """The n-th distinct version, counted from 1."""

    value: int

    def __str__(self) -> str:
        return f"v{self.value}"


@dataclass(frozen=True, slots=True)
class DigestPrefix:
    """A whole digest, or at least twelve hex digits of one; ``hex`` has no ``sha256:``."""

    hex: str

    @property
    def whole(self) -> bool:
        return len(self.hex) == 64

    def __str__(self) -> str:
        return PREFIX + self.hex if self.whole else self.hex


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage's pointer names now. Whether the stage exists is known to policy data only."""

    name: str

    def __str__(self) -> str:
        return self.name


Selector = Latest | Number | DigestPrefix | Stage


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference. ``selector`` is None where none was written."""

    project: str
    kind: Kind
    name: str
    selector: Selector | None = None

    def __str__(self) -> str:
        tail = f"@{self.selector}" if self.selector is not None else ""
        return f"{self.project}/{self.kind}/{self.name}{tail}"

    @property
    def label(self) -> str:
        """``kind/name``, the key used in locks and gate inputs."""
        return f"{self.kind}/{self.name}"


def parse_reference(text: str, *, project: str = DEFAULT_PROJECT) -> Reference:
    """Parse ``[project/]kind/name[@selector]``; ``project`` is used where the text names none."""
    path, at, selector = text.partition("@")
    parts = path.split("/")
    if len(parts) == 2:
        parts = [project, *parts]
    if len(parts) != 3:
        raise _wrong("reference", text, "write [project/]kind/name@selector, such as agent/support@production")
    return Reference(
        project=parse_name(parts[0], what="project"),
        kind=parse_kind(parts[1]),
        name=parse_name(parts[2], what="name"),
        selector=parse_selector(selector) if at else None,
    )


def parse_kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise _wrong("kind", text, f"use one of {', '.join(Kind)}") from None


def parse_name(text: str, *, what: str = "name") -> str:
    if _NAME.fullmatch(text) is None:
        raise _wrong(what, text, "use 1 to 64 of a-z, 0-9, '.', '_', '-', beginning and ending with a letter or digit")
    return text


def parse_selector(text: str) -> Selector:
    """Parse a selector; a word that is nothing else is taken as a stage's name."""
    if text == "latest":
        return Latest()
    if number := _NUMBER.fullmatch(text):
        return Number(int(number[1]))
    if is_digest(text):
        return DigestPrefix(text.removeprefix(PREFIX))
    if text.startswith(PREFIX) or (_HEX.fullmatch(text) and (len(text) >= 7 or text[:1].isdigit())):
        return _digest_prefix(text)
    if _STAGE.fullmatch(text) and _NUMBERED.fullmatch(text) is None:
        return Stage(text)
    raise _wrong("selector", text, "use a stage, v<number>, a digest or latest")


def _digest_prefix(text: str) -> DigestPrefix:
    digits = text.removeprefix(PREFIX)
    if _HEX.fullmatch(digits) is None or not 12 <= len(digits) <= 64:
        raise _wrong("selector", text, "give sha256:<64 hex digits>, or at least 12 hex digits of it")
    return DigestPrefix(digits)


def _wrong(what: str, text: str, mend: str) -> Invalid:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return Invalid(f"{shown!r} is not a valid {what}", fields=[FieldError(f"$.{what}", mend)], remedy=mend)
