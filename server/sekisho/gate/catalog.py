"""The catalogue of rules (``policies/catalog.json``), generated from the METADATA of the rules themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

from sekisho.gate.scalars import KindName
from sekisho.gate.types import RuleId
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.yaml import load_yaml

FILE: Final = "catalog.json"
SCHEMA: Final = "sekisho.policy-catalog/v1"
EXTENSIONS: Final = "sekisho/extensions.rego"
USER: Final = "user/"
"""Where packages of users stand, in a folder of their own."""
RESERVED: Final = frozenset({"LIN", "EVA", "FAI", "SEC", "PRV", "LIC", "DOC", "OVS", "OPS"})
"""Families of ids that later versions of Sekisho may add rules to."""
_WARNING: Final = (
    "# What packages under `user` add. It is made anew from their METADATA whenever a policy is read: "
    "do not write it by hand."
)
_MARK: Final = "# METADATA"
_RULE: Final = re.compile(r'^results\["([^"]+)"\]')
_DECLARED: Final = re.compile(r'^\t"([A-Z]{3}-[0-9]{2})": \{', re.MULTILINE)
Words = Annotated[str, Meta(min_length=1)]


class RuleMetadata(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``custom`` of a rule's METADATA."""

    id: RuleId
    severity: Literal["critical", "high", "medium", "low"]
    kinds: Annotated[tuple[KindName, ...], Meta(min_length=1)]
    actions: Annotated[tuple[Literal["promote", "rollback"], ...], Meta(min_length=1)]
    remedy: Words
    frameworks: tuple[Words, ...]


class Annotation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule's METADATA."""

    title: Words
    description: Words
    custom: RuleMetadata


class CatalogEntry(Struct, frozen=True, kw_only=True):
    """One rule for people. ``file`` is where it is written."""

    id: str
    title: str
    description: str
    severity: str
    kinds: tuple[str, ...]
    actions: tuple[str, ...]
    remedy: str
    frameworks: tuple[str, ...]
    file: str


def catalog(files: Mapping[str, bytes]) -> tuple[CatalogEntry, ...]:
    """Every rule of these Rego files, by id. Raises `Invalid`, naming each rule whose METADATA is absent or wrong."""
    faults: list[FieldError] = []
    entries: dict[str, CatalogEntry] = {}
    for file, content in files.items():
        if file == EXTENSIONS:
            continue
        for line, rule, metadata in _annotated(content.decode("utf-8")):
            place = f"{file}:{line}"
            try:
                entry = _entry(file, rule, metadata)
            except (ValueError, yaml.YAMLError) as error:
                faults.append(FieldError(place, str(error)))
                continue
            if entry.id in entries:
                faults.append(FieldError(place, f"{entry.id} is written in {entries[entry.id].file} too"))
            entries[entry.id] = entry
    faults += _undeclared(files, entries)
    if faults:
        raise Invalid("the rules' METADATA is not whole", fields=faults)
    return tuple(entries[rule] for rule in sorted(entries))


def extensions(entries: Sequence[CatalogEntry], packages: Mapping[str, str]) -> bytes:
    """``sekisho/extensions.rego``: what the rules of packages under ``user`` add. `packages` are files' packages.

    Each rule is named by its id, so that a package adds what its METADATA says and nothing else.
    """
    added = [entry for entry in entries if entry.file.startswith(USER)]
    declared = [
        f'declared[{json.dumps(entry.id)}] := {{"kinds": {_set(entry.kinds)}, "actions": {_set(entry.actions)}}}'
        for entry in added
    ] or ["declared := {}"]
    results = [f'results["{entry.id}"] := data.{packages[entry.file]}.results["{entry.id}"]' for entry in added] or [
        "results := {}"
    ]
    return (
        "\n\n".join([f"{_WARNING}\npackage sekisho.extensions", *declared, *results, ""]).rstrip("\n").encode() + b"\n"
    )


def _set(words: Sequence[str]) -> str:
    return "{" + ", ".join(map(json.dumps, words)) + "}"


def catalog_text(entries: Sequence[CatalogEntry]) -> str:
    """The catalogue as the file's text."""
    rules = [msgspec.to_builtins(entry) for entry in entries]
    return json.dumps({"schema": SCHEMA, "rules": rules}, indent=2, ensure_ascii=False) + "\n"


def _annotated(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Line, id and METADATA text of each ``results["ID"]`` rule; None where it has no METADATA."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if found := _RULE.match(line):
            block: list[str] = []
            place = number - 1
            while place >= 0 and lines[place].startswith("#") and lines[place] != _MARK:
                block.append(lines[place].removeprefix("#").removeprefix(" "))
                place -= 1
            marked = place >= 0 and lines[place] == _MARK
            yield number + 1, found[1], "\n".join(reversed(block)) if marked else None


def _entry(file: str, rule: str, metadata: str | None) -> CatalogEntry:
    if metadata is None:
        raise ValueError(f"{rule} has no METADATA")
    raw: Any = load_yaml(metadata)
    annotation = msgspec.convert(raw, Annotation)
    custom = annotation.custom
    if custom.id != rule:
        raise ValueError(f"METADATA of {custom.id} stands on {rule}")
    if file.startswith(USER) and rule[:3] in RESERVED:
        raise ValueError(f"{rule}: ids of the family {rule[:3]} are Sekisho's own; use other letters")
    return CatalogEntry(
        id=custom.id,
        title=annotation.title,
        description=annotation.description,
        severity=custom.severity,
        kinds=custom.kinds,
        actions=custom.actions,
        remedy=custom.remedy,
        frameworks=custom.frameworks,
        file=file,
    )


def _undeclared(files: Mapping[str, bytes], entries: Mapping[str, CatalogEntry]) -> Iterator[FieldError]:
    """Rules that ``sekisho/rules.rego`` declares and nobody wrote, and the other way round."""
    file = "sekisho/rules.rego"
    declared = set(_DECLARED.findall(files.get(file, b"").decode("utf-8")))
    for rule in sorted(declared - entries.keys()):
        yield FieldError(file, f"{rule} is declared and not written")
    own = {rule for rule, entry in entries.items() if not entry.file.startswith(USER)}
    for rule in sorted(own - declared):
        yield FieldError(entries[rule].file, f"{rule} is written and not declared in {file}")
