"""From ``sekisho.yaml`` and the files that it names to declarations that can be applied, or every reason why not.

Nothing is sent to a server here. Each problem is named by file and JSON path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from sekisho.cli.apply.corpora import outside, read_corpus
from sekisho.cli.apply.declarations import (
    DECLARATIONS,
    NAMES,
    CorpusDeclaration,
    DatasetDeclaration,
    Declaration,
    FileReference,
    IndexDeclaration,
    ProjectHead,
    SuiteDeclaration,
)
from sekisho.cli.apply.manifests import Content, raw_manifest
from sekisho.cli.apply.yaml_files import read_yaml
from sekisho.evaluation.scorers.catalogue import measures
from sekisho.evaluation.types import Target
from sekisho.indexing.types import Recipe
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.references import Kind, parse_name
from sekisho.registry.content import describe_dataset
from sekisho.registry.folders import read_files
from sekisho.registry.manifests import parse_manifest
from sekisho.registry.schemas import json_path, violations

T = TypeVar("T", bound=Declaration)
_PLACEHOLDER: Final = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class Declared:
    """One declaration. `file` and `path` say where it stands; `content` is what it brings along from disk."""

    kind: Kind
    name: str
    declaration: Declaration
    file: Path
    path: str
    content: Content = field(default_factory=Content)

    @property
    def label(self) -> str:
        return f"{self.kind}/{self.name}"

    def at(self, error: FieldError) -> FieldError:
        """The same problem, named from the file that it stands in."""
        return FieldError(f"{self.file}:{self.path}{error.path.removeprefix('$')}", error.message)


@dataclass(frozen=True, slots=True)
class Project:
    """What a ``sekisho.yaml`` declares, in the order of registration. `name` is None where it names no project."""

    file: Path
    name: str | None
    declared: tuple[Declared, ...]

    @property
    def refused(self) -> list[dict[str, str]]:
        """The documents that were left out, with the corpus that they are missing from."""
        return [
            {"corpus": one.label, "path": refused.path, "reason": refused.reason}
            for one in self.declared
            for refused in one.content.refused
        ]


def read_project(file: Path, *, max_file_bytes: int) -> Project:
    """Read and check it whole. Raises `Invalid` with every problem found."""
    raw = read_yaml(file)
    if not isinstance(raw, dict):
        raise _invalid(file, [FieldError(f"{file}:$", "must be a mapping with `schema: sekisho.project/v1`")])
    wrong: list[FieldError] = []
    head = _head(file, raw, wrong)
    declared = [one for kind in DECLARATIONS for one in _of_kind(file, kind, raw.get(kind.value, {}), wrong)]
    if not declared and not wrong:
        wrong.append(FieldError(f"{file}:$", f"declares nothing; write one of {', '.join(DECLARATIONS)}"))
    wrong += _unknown_names(declared, raw)
    loaded = [_with_content(file.parent, one, max_file_bytes, wrong) for one in declared]
    for one in loaded:
        wrong += map(one.at, _misfits(one))
    if wrong:
        raise _invalid(file, wrong)
    return Project(file, None if head is None or head.project is msgspec.UNSET else head.project, tuple(loaded))


def _invalid(file: Path, wrong: Sequence[FieldError]) -> Invalid:
    unique = list(dict.fromkeys(wrong))
    return Invalid(
        f"{file} cannot be applied; nothing was registered",
        fields=unique,
        remedy="mend the places named; `sekisho schema` prints the JSON Schema for your editor",
    )


def _head(file: Path, raw: Mapping[str, Any], wrong: list[FieldError]) -> ProjectHead | None:
    names = {field.name for field in msgspec.structs.fields(ProjectHead)}
    known = names | {kind.value for kind in DECLARATIONS}
    wrong += [
        FieldError(f"{file}:{json_path([name])}", f"unknown; known are {', '.join(sorted(known))}")
        for name in raw
        if name not in known
    ]
    return _converted(ProjectHead, {name: raw[name] for name in names if name in raw}, f"{file}:$", wrong)


def _of_kind(file: Path, kind: Kind, entries: Any, wrong: list[FieldError]) -> Iterator[Declared]:
    if not isinstance(entries, dict):
        wrong.append(FieldError(f"{file}:$.{kind}", f"must be a mapping from names to {kind} declarations"))
        return
    for name, raw in entries.items():
        place, path = file, json_path([kind.value, name])
        try:
            parse_name(name)
            if isinstance(raw, dict) and set(raw) == {"file"}:
                place, raw = _referenced(file, path, raw, wrong)
                path = "$" if place != file else path
        except Invalid as error:
            wrong += [_named(one, f"{file}:{path}") for one in error.fields]
            continue
        declaration = None if raw is None else _converted(DECLARATIONS[kind], raw, f"{place}:{path}", wrong)
        if declaration is not None:
            yield Declared(kind, name, declaration, place, path)
        elif raw is None and place == file:
            wrong.append(FieldError(f"{file}:{path}", "is empty"))


def _named(error: FieldError, place: str) -> FieldError:
    """A problem of a name or of a file by itself, with the place that led to it where it does not say one."""
    return error if ":$" in error.path else FieldError(place, error.message)


def _referenced(file: Path, path: str, raw: Mapping[str, Any], wrong: list[FieldError]) -> tuple[Path, Any]:
    reference = _converted(FileReference, raw, f"{file}:{path}", wrong)
    if reference is None:
        return file, None
    if problem := outside(file.parent, reference.file):
        wrong.append(FieldError(f"{file}:{path}.file", problem))
        return file.parent / reference.file, None
    place = file.parent / reference.file
    return place, read_yaml(place)


def _converted(kind: type[T], raw: Any, place: str, wrong: list[FieldError]) -> T | None:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        found = violations(kind, raw) or [_only(error)]
        wrong += [FieldError(place + one.path.removeprefix("$"), one.message) for one in found]
        return None


def _only(error: msgspec.ValidationError) -> FieldError:
    message, _, path = str(error).partition(" - at `")
    return FieldError(path.rstrip("`") or "$", message)


def _unknown_names(declared: Sequence[Declared], raw: Mapping[str, Any]) -> list[FieldError]:
    """Names that nothing here has; what is declared but wrong is there, and told by itself."""
    known = {(kind, name) for kind in DECLARATIONS for name in _names(raw.get(kind.value))}
    wrong = []
    for one in declared:
        for name, kind in NAMES.get(one.kind, {}).items():
            wanted = getattr(one.declaration, name)
            if wanted is not msgspec.UNSET and (kind, wanted) not in known:
                there = ", ".join(sorted(n for k, n in known if k == kind)) or "none"
                wrong.append(one.at(FieldError(f"$.{name}", f"there is no {kind} {wanted!r} here; declared: {there}")))
    return wrong


def _names(entries: Any) -> list[str]:
    return [name for name in entries if isinstance(name, str)] if isinstance(entries, dict) else []


def _with_content(base: Path, one: Declared, max_bytes: int, wrong: list[FieldError]) -> Declared:
    """Read the files that a corpus or dataset names; what is wrong with them is added to `wrong`."""
    try:
        match one.declaration:
            case CorpusDeclaration() as corpus:
                return replace(one, content=read_corpus(base, corpus, max_bytes, one.at))
            case DatasetDeclaration() as dataset:
                return replace(one, content=_dataset(base, one, dataset.path, max_bytes))
    except Invalid as error:
        wrong += error.fields
    return one


def _dataset(base: Path, one: Declared, path: str, max_bytes: int) -> Content:
    if problem := outside(base, path):
        raise Invalid("the dataset cannot be read", fields=[one.at(FieldError("$.path", problem))])
    try:
        (file,) = read_files(base, [path], max_bytes=max_bytes)
    except Invalid as error:
        fields = [one.at(FieldError("$.path", f"{path} {problem.message}")) for problem in error.fields]
        raise Invalid("the dataset cannot be read", fields=fields) from error
    try:
        cases, names = describe_dataset(file.data)
    except Invalid as error:
        fields = [FieldError(f"{base / path}:{problem.path}", problem.message) for problem in error.fields]
        raise Invalid("the dataset cannot be read", fields=fields) from error
    return Content(files=(file,), cases=cases, fields=names)


def _misfits(one: Declared) -> list[FieldError]:
    """What is wrong with it by the rules of its kind, before any digest is known."""
    try:
        match one.declaration:
            case IndexDeclaration() as index:
                return Recipe(index.corpus, index.retriever, index.chunker, index.embedder).problems()
            case SuiteDeclaration() as suite:
                measures([(use.name, use.params) for use in suite.scorers], Target(suite.target))
        if one.kind is Kind.PROMPT and find_spec("jinja2") is None:
            return []  # templates are parsed where Jinja2 is: the server refuses a bad one before all else
        if one.kind in {Kind.CORPUS, Kind.DATASET} and not one.content.files:
            return []  # told already
        parse_manifest(one.kind, raw_manifest(one.kind, one.declaration, one.content, _Zeros(), _PLACEHOLDER))
    except Invalid as error:
        return list(error.fields)
    return []


class _Zeros(dict[str, str]):
    """Stands for digests that are not known yet."""

    def __missing__(self, _label: str) -> str:
        return _PLACEHOLDER
