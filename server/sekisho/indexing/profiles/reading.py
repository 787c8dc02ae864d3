"""Documents for a profile: from a folder of this machine, or from a corpus's manifest and blobs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sekisho.indexing.profiles.profile import Profiler
from sekisho.indexing.profiles.types import Left, Profile, Profiled
from sekisho.indexing.sources.gathering import Said, gather
from sekisho.indexing.sources.local import local_files
from sekisho.indexing.sources.process import ParserProcess
from sekisho.indexing.sources.types import Document, Limits
from sekisho.indexing.types import language_of
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.registry.index_kinds import CorpusFile, CorpusManifest

UNKNOWN = "not declared"


def profile_of_folder(root: Path, limits: Limits) -> Profile:
    """Raises `Invalid` where nothing in it is a document."""
    with ParserProcess(limits) as parser:
        found = gather(local_files(root, limits), Said(), parser)
    refused = [Left(path=one.path, reason=one.reason) for one in found.refused]
    if not found.documents:
        fields = [FieldError(one.path, one.reason) for one in refused] or [FieldError("$", "there is no file in it")]
        raise Invalid(f"{root} holds no documents", fields=fields)
    profiler = Profiler(root.resolve().name)
    for document in found.documents:
        profiler.add(_of_document(document))
    return profiler.profile(refused)


def profiled(corpus: CorpusManifest, file: CorpusFile, data: bytes) -> Profiled:
    """A document of a registered corpus."""
    return Profiled(
        path=file.path,
        text=data.decode("utf-8", "replace"),
        bytes=file.bytes,
        media_type=file.media_type,
        language=language_of(file.path, file.language, corpus.language),
        licence=file.licence or corpus.licence,
        time=file.time,
        personal_data=file.personal_data,
        retention_days=file.retention_days,
    )


def _of_document(document: Document) -> Profiled:
    about: Mapping[str, Any] = document.about
    return Profiled(
        path=document.path,
        text=document.data.decode("utf-8"),
        bytes=len(document.data),
        media_type=document.media_type,
        language=language_of(document.path, about.get("language"), None),
        licence=about.get("licence", UNKNOWN),
        time=about.get("time"),
        personal_data=about.get("personal_data"),
        retention_days=about.get("retention_days"),
    )
