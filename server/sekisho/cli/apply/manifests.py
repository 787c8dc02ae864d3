"""From a declaration to the manifest that is registered: names become digests, files become lists of digests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sekisho.cli.apply.declarations import NAMES, CorpusDeclaration, DatasetDeclaration, Declaration, ModelDeclaration
from sekisho.indexing.sources.types import Refused
from sekisho.kernel.references import Kind
from sekisho.registry.folders import FolderFile
from sekisho.registry.index_kinds import CorpusSource


@dataclass(frozen=True, slots=True)
class Content:
    """What a declaration brings along: files, a dataset's cases and fields, a corpus's sources, what was refused."""

    files: tuple[FolderFile, ...] = ()
    cases: int = 0
    fields: tuple[str, ...] = ()
    sources: tuple[CorpusSource, ...] = ()
    refused: tuple[Refused, ...] = ()


def raw_manifest(
    kind: Kind, declaration: Declaration, content: Content, digests: Mapping[str, str], model_digest: str
) -> dict[str, Any]:
    """The manifest as JSON values. `digests` has the digest of every ``kind/name`` that the declaration names.

    `model_digest` is what a host has under a model's name, for a model that pins none. An index has no manifest
    before it is built.
    """
    plain: dict[str, Any] = msgspec.to_builtins(declaration)
    for name, other in NAMES.get(kind, {}).items():
        if name in plain:
            plain[name] = digests[f"{other}/{plain[name]}"]
    match declaration:
        case CorpusDeclaration():
            for name in ("folders", "git", "dvc", "lakefs", "archives"):
                del plain[name]
            plain["files"] = [_file(file) for file in content.files]
            plain["sources"] += msgspec.to_builtins(content.sources)
        case DatasetDeclaration():
            (file,) = content.files
            del plain["path"]
            plain |= {"content": file.digest, "cases": content.cases, "fields": list(content.fields)}
        case ModelDeclaration():
            plain.setdefault("digest", model_digest)
    return {"schema": f"sekisho.{kind}/v1", **plain}


def _file(file: FolderFile) -> dict[str, Any]:
    plain = {"path": file.path, "digest": file.digest, "bytes": len(file.data), "media_type": file.media_type}
    return plain | dict(file.about)
