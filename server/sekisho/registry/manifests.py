"""From raw JSON to a manifest: refused whole, with every offending field named."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import msgspec

from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import MAX_DEPTH
from sekisho.kernel.references import Kind
from sekisho.registry.index_kinds import CorpusManifest, DocumentFilter, IndexManifest, Retriever
from sekisho.registry.kinds import (
    JUDGED,
    MANIFESTS,
    AgentManifest,
    DatasetManifest,
    ModelManifest,
    PromptManifest,
    SuiteManifest,
    SystemManifest,
)
from sekisho.registry.parts import Manifest
from sekisho.registry.schemas import json_path, schema_problems, violations

__all__ = [
    "AgentManifest",
    "CorpusManifest",
    "DatasetManifest",
    "IndexManifest",
    "Manifest",
    "ModelManifest",
    "PromptManifest",
    "SuiteManifest",
    "SystemManifest",
    "parse_manifest",
    "path_problem",
]

MAX_NAMED: Final = 50
_CREDENTIALS: Final = re.compile(r"(?i)^(?:[a-z]+[:+])*(?:https?://[^/?#@]*@|[a-z][a-z0-9+.-]*://[^/?#@:]*:[^/?#@]*@)")
"""A user's name alone is no secret for ssh; over HTTP it often is a token."""


def parse_manifest(kind: Kind, raw: Any) -> Manifest:
    """Parse and check a manifest by itself; what it names elsewhere is checked where it is registered.

    Raises `Invalid` with the JSON path of each offending field.
    """
    wrong = list(itertools.islice(_unfit_values(raw, [], 0), MAX_NAMED))
    if wrong:
        raise _invalid(kind, wrong)
    struct = MANIFESTS[kind]
    try:
        manifest = msgspec.convert(raw, struct)
        wrong = _without_schema(kind, raw)
    except msgspec.ValidationError as error:
        raise _invalid(kind, violations(struct, raw) or [_only(error)]) from error
    wrong += _RULES.get(kind, _no_rules)(manifest)
    if wrong:
        raise _invalid(kind, wrong)
    return manifest.sorted()


def _invalid(kind: Kind, wrong: list[FieldError]) -> Invalid:
    shown = wrong[:MAX_NAMED]
    if len(wrong) > MAX_NAMED:
        shown.append(FieldError("$", f"and {len(wrong) - MAX_NAMED} more"))
    return Invalid(
        f"the {kind} manifest is not valid",
        fields=shown,
        remedy=f"mend the fields named; the shape is sekisho.{kind}/v1",
    )


def _only(error: msgspec.ValidationError) -> FieldError:
    message, _, path = str(error).partition(" - at `")
    return FieldError(path.rstrip("`") or "$", message)


def _without_schema(kind: Kind, raw: Any) -> list[FieldError]:
    if isinstance(raw, Mapping) and "schema" not in raw:
        return [FieldError("$.schema", f"required, but absent; write sekisho.{kind}/v1")]
    return []


def _unfit_values(value: Any, path: list[Any], depth: int) -> Iterator[FieldError]:
    """Floats (they have no one canonical text across languages) and characters that a database cannot hold."""
    if depth > MAX_DEPTH:
        yield FieldError("$", f"nested deeper than {MAX_DEPTH}")
    elif isinstance(value, float):
        yield FieldError(
            json_path(path), f"{value!r} is not an integer; write rates as basis points, times as milliseconds"
        )
    elif isinstance(value, int) and abs(value) >= 2**53:
        yield FieldError(json_path(path), "integers must be below 2**53")
    elif isinstance(value, str) and not _storable(value):
        yield FieldError(json_path(path), "holds a NUL character or half of a surrogate pair")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str) or not _storable(key):
                yield FieldError(json_path(path), f"{key!r} cannot be a field's name")
            else:
                yield from _unfit_values(inner, [*path, key], depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _unfit_values(inner, [*path, index], depth + 1)


def _storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _no_rules(_: Any) -> list[FieldError]:
    return []


def _repeated(values: Iterable[str], path: Callable[[int], str], what: str) -> list[FieldError]:
    listed = list(values)
    counts = Counter(listed)
    seen: set[str] = set()
    wrong = []
    for index, value in enumerate(listed):
        if counts[value] > 1 and value in seen:
            wrong.append(FieldError(path(index), f"{what} {value!r} stands twice"))
        seen.add(value)
    return wrong


def path_problem(path: str) -> str | None:
    """Why `path` cannot name a file inside a corpus; None where it can."""
    if "\\" in path:
        return "holds a backslash; separate folders by '/'"
    if path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        return "is absolute; write it from the corpus's root"
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return "holds '..', '.' or an empty step, and may leave the corpus's root"
    if any(c < " " or c == "\x7f" for c in path):
        return "holds a control character"
    return None if str(PurePosixPath(path)) == path else "is not a plain path"


def address_problem(address: str) -> str | None:
    """Why `address` may not stand in a manifest, which everybody in the project reads and nobody can change."""
    if _CREDENTIALS.search(address):
        return "holds a password or a token before its '@': leave it out (for git, its credential helper has it)"
    return None


def _corpus(manifest: CorpusManifest) -> list[FieldError]:
    wrong = [
        FieldError(f"$.files[{index}].path", f"{file.path!r} {problem}")
        for index, file in enumerate(manifest.files)
        if (problem := path_problem(file.path))
    ]
    addresses = {f"$.sources[{index}].uri": source.uri for index, source in enumerate(manifest.sources)}
    addresses |= {f"$.files[{index}].uri": file.uri for index, file in enumerate(manifest.files) if file.uri}
    wrong += [FieldError(place, problem) for place, uri in addresses.items() if (problem := address_problem(uri))]
    return wrong + _repeated((f.path for f in manifest.files), lambda i: f"$.files[{i}].path", "the path")


def _prompt(manifest: PromptManifest) -> list[FieldError]:
    from sekisho.registry.prompts import prompt_problems  # the light client parses no prompts and has no Jinja2

    return prompt_problems(manifest)


def _index(manifest: IndexManifest) -> list[FieldError]:
    wrong = []
    if manifest.chunker.overlap >= manifest.chunker.max_tokens:
        wrong.append(FieldError("$.chunker.overlap", "must be less than max_tokens"))
    wrong += _retriever(manifest.retriever)
    return wrong


def _retriever(retriever: Retriever) -> list[FieldError]:
    """What each mode must name, and what it must not: a manifest says all that decides what is found."""
    hybrid, terms = retriever.mode == "hybrid", retriever.mode != "dense"
    ranks = hybrid and retriever.dense_weight is None
    wanted = {"analyser": terms, "rrf_k": ranks, "candidates": hybrid}
    wrong = []
    for name, needed in wanted.items():
        given = getattr(retriever, name) is not None
        if given != needed:
            idle = "beside dense_weight" if name == "rrf_k" and hybrid else f"to {retriever.mode}"
            told = f"required by the {retriever.mode} retriever" if needed else f"means nothing {idle}"
            wrong.append(FieldError(f"$.retriever.{name}", told))
    if retriever.dense_weight is not None and not hybrid:
        wrong.append(FieldError("$.retriever.dense_weight", f"means nothing to {retriever.mode}"))
    scripts = retriever.dense_scripts
    if scripts is not None and not hybrid:
        wrong.append(FieldError("$.retriever.dense_scripts", f"means nothing to {retriever.mode}"))
    if scripts is not None and list(scripts) != sorted(set(scripts)):
        wrong.append(FieldError("$.retriever.dense_scripts", "must be sorted, each script once"))
    if retriever.reranker is not None and retriever.reranker.candidates < retriever.k:
        wrong.append(FieldError("$.retriever.reranker.candidates", "must be at least k"))
    chosen = retriever.filter
    return wrong + ([] if chosen is None else _filter(chosen))


def _filter(chosen: DocumentFilter) -> list[FieldError]:
    wrong = [FieldError(f"$.retriever.filter.{name}".rstrip("."), told) for name, told in chosen.problems().items()]
    for name in ("languages", "licences"):
        given = getattr(chosen, name)
        if given is not None and list(given) != sorted(set(given)):
            wrong.append(FieldError(f"$.retriever.filter.{name}", "must be sorted, each once"))
    return wrong


def _agent(manifest: AgentManifest) -> list[FieldError]:
    wrong = _repeated((tool.name for tool in manifest.tools), lambda i: f"$.tools[{i}].name", "the tool")
    for index, tool in enumerate(manifest.tools):
        wrong += schema_problems(tool.schema, ["tools", index, "schema"])
    return wrong


def _dataset(manifest: DatasetManifest) -> list[FieldError]:
    wrong = _repeated(manifest.fields, lambda i: f"$.fields[{i}]", "the field")
    if "id" not in manifest.fields:
        wrong.append(FieldError("$.fields", "every case has an id; name it"))
    return wrong


def _suite(manifest: SuiteManifest) -> list[FieldError]:
    uses = (f"{use.name} with {canonical_json(use.params).decode()}" for use in manifest.scorers)
    return [*_repeated(uses, lambda i: f"$.scorers[{i}]", "the scorer"), *_judge(manifest)]


def _judge(manifest: SuiteManifest) -> list[FieldError]:
    """A judge is named exactly where a scorer asks one."""
    asking = [use.name for use in manifest.scorers if use.name.startswith(JUDGED)]
    if asking and manifest.judge is None:
        return [FieldError("$.judge", f"required by {', '.join(asking)}: name the model that judges")]
    if manifest.judge is not None and not asking:
        return [FieldError("$.judge", f"no scorer asks a judge; leave it out, or use one named {JUDGED}*")]
    return []


_RULES: Final[dict[Kind, Callable[[Any], list[FieldError]]]] = {
    Kind.CORPUS: _corpus,
    Kind.PROMPT: _prompt,
    Kind.INDEX: _index,
    Kind.AGENT: _agent,
    Kind.DATASET: _dataset,
    Kind.SUITE: _suite,
}
