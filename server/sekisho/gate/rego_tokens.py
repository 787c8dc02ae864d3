"""Rego text as tokens: all that the lint reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
  | (?P<template>\$["`])
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<raw>`[^`]*`)
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
  | (?P<blank>\s+)
  | (?P<mark>.)
    """,
    re.VERBOSE,
)
KEYWORDS: Final = frozenset({"if", "in", "not", "some", "every", "with", "as", "else", "default"})
_DEPTH: Final = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of Rego text; `kind` is ``string``, ``raw``, ``template``, ``number``, ``name`` or ``mark``."""

    kind: str
    text: str
    line: int

    @property
    def depth(self) -> int:
        """How much deeper what follows is nested: 1 after an opening bracket, -1 after a closing one, else 0."""
        return _DEPTH.get(self.text, 0) if self.kind == "mark" else 0

    @property
    def is_reference(self) -> bool:
        """A variable, a rule, or a path that begins with one."""
        return self.kind == "name" and self.text not in KEYWORDS and self.text not in ("true", "false", "null")


def tokens(text: str) -> Iterator[Token]:
    """Without comments and blanks."""
    line = 1
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or "mark"
        if kind not in ("comment", "blank"):
            yield Token(kind, found[0], line)
        line += found[0].count("\n")
