"""From originals to documents: the kind is detected, the text taken out, and what is refused is named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Final

from sekisho.indexing.sources.detection import BINARY, MEDIA_TYPES, TABLES, kind_of, media_type_of
from sekisho.indexing.sources.process import ParserProcess
from sekisho.indexing.sources.types import Document, Gathered, Original, Part, Refusal, Refused, Rows
from sekisho.kernel.digests import digest_of_bytes
from sekisho.registry.content import text_problem

_LANGUAGE: Final = re.compile(r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
_TITLE: Final = 500


@dataclass(frozen=True, slots=True)
class Said:
    """What a declaration says of every document of a source.

    `prefix` stands before each path. `about` has manifest fields; they win over what a document says of itself.
    """

    prefix: str = ""
    include: tuple[str, ...] = ("*",)
    rows: Rows | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def gather(originals: Iterable[Original | Refused], said: Said, parser: ParserProcess) -> Gathered:
    """Every document of a source, sorted by path, and everything that was refused, in the order in which it came."""
    documents: dict[str, Document] = {}
    refused: list[Refused] = []
    for original in originals:
        if not any(fnmatchcase(original.path, pattern) for pattern in said.include):
            continue
        path = _joined(said.prefix, original.path)
        if isinstance(original, Refused):
            refused.append(Refused(path, original.reason))
            continue
        try:
            found = list(_documents(path, original, said, parser))
        except Refusal as error:
            refused.append(Refused(path, str(error)))
            continue
        refused += [one for one in found if isinstance(one, Refused)]
        documents |= {one.path: one for one in found if isinstance(one, Document)}
    return Gathered(tuple(documents[path] for path in sorted(documents)), tuple(refused))


def _joined(prefix: str, path: str) -> str:
    return path if prefix in {"", "."} else f"{prefix}/{path}"


def _documents(path: str, original: Original, said: Said, parser: ParserProcess) -> Iterator[Document | Refused]:
    limits, data = parser.limits, original.data
    kind = kind_of(path, data)
    most = limits.original_bytes if kind in BINARY or (said.rows and kind in TABLES) else limits.text_bytes
    if len(data) > most:
        raise Refusal(f"has {len(data)} bytes; at most {most} are taken")
    if kind not in BINARY and (problem := text_problem(data)):
        raise Refusal(problem)
    if kind == "text":
        yield _document(path, original, Part(media_type=media_type_of(path)), said, limits.text_bytes)
        return
    parsed = parser.parse(kind, data, said.rows if kind in TABLES else None)
    for name, reason in parsed.refused:
        yield Refused(f"{path}: {name}", reason)
    for part in parsed.parts:
        try:
            yield _document(path, original, part, said, limits.text_bytes)
        except Refusal as error:
            yield Refused(_name(path, part), str(error))


def _name(path: str, part: Part) -> str:
    return path if part.name is None else f"{path}/{part.name}"


def _document(path: str, original: Original, part: Part, said: Said, most: int) -> Document:
    name = _name(path, part)
    if len(name) > 500:
        raise Refusal("has a path of over 500 characters")
    if part.text is None:
        media_type = part.media_type if part.extractor else media_type_of(path)
        return Document(name, original.data, media_type, _about(path, original, part, said))
    data = part.text.encode()
    if len(data) > most:
        raise Refusal(f"holds {len(data)} bytes of text; at most {most} are taken")
    return Document(name, data, part.media_type, _about(path, original, part, said))


def _about(path: str, original: Original, part: Part, said: Said) -> dict[str, Any]:
    """Fields that are not known are left out, so that a plain file's entry is what it always was."""
    own: dict[str, Any] = {"uri": part.uri or original.uri, "time": part.time or original.time}
    own["title"] = part.title[:_TITLE] if part.title else None
    own["language"] = part.language if part.language and _LANGUAGE.match(part.language) else None
    if part.extractor:
        own["original"] = {
            "digest": digest_of_bytes(original.data),
            "bytes": len(original.data),
            "media_type": MEDIA_TYPES[PurePosixPath(path).suffix.lower()],
            "extractor": {"name": part.extractor, "version": part.version},
        }
    return {name: value for name, value in {**own, **said.about}.items() if value is not None}
