"""The documents that a corpus declares: from folders, git, DVC, lakeFS and archives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec

from sekisho.cli.apply.declarations import (
    ArchiveSource,
    CorpusDeclaration,
    CorpusFolder,
    CorpusPart,
    DvcSource,
    GitSource,
    LakeFSSource,
)
from sekisho.cli.apply.manifests import Content
from sekisho.indexing.sources.archives import archive_files, fetch
from sekisho.indexing.sources.dvc import dvc_files, tracked_by
from sekisho.indexing.sources.gathering import Said, gather
from sekisho.indexing.sources.git import commit_of, git_files
from sekisho.indexing.sources.lakefs import LakeFS, lakefs_client
from sekisho.indexing.sources.local import local_file, local_files
from sekisho.indexing.sources.process import ParserProcess
from sekisho.indexing.sources.types import Document, Limits, Original, Refused
from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.errors import FieldError, Invalid, SekishoError
from sekisho.registry.folders import FolderFile
from sekisho.registry.index_kinds import CorpusSource
from sekisho.registry.manifests import address_problem

Place = Callable[[FieldError], FieldError]
Files = Iterable[Original | Refused]
_NAMED = 100


def read_corpus(base: Path, corpus: CorpusDeclaration, max_bytes: int, at: Place) -> Content:
    """Its documents, and the files that were left out. `at` names a problem from the file that declares it.

    Raises `Invalid` where a source as a whole cannot be read, or where nothing is left.
    """
    limits = Limits(text_bytes=max_bytes)
    with ParserProcess(limits) as parser:
        reading = _Reading(base, limits, parser, at)
        for kind in ("folders", "git", "dvc", "lakefs", "archives"):
            for index, source in enumerate(getattr(corpus, kind)):
                reading.read(f"$.{kind}[{index}]", source)
    if not reading.files and not reading.wrong:
        reading.wrong.append(at(FieldError("$", _nothing(reading.refused))))
    if reading.wrong:
        raise Invalid("the corpus cannot be read", fields=reading.wrong)
    files = tuple(reading.files[path] for path in sorted(reading.files))
    return Content(files=files, sources=tuple(reading.sources), refused=tuple(reading.refused))


def _nothing(refused: list[Refused]) -> str:
    if not refused:
        return "has no documents; name a folder, git, dvc, lakefs or archives that has some"
    return "no document is left: " + "; ".join(map(str, refused[:_NAMED]))


@dataclass
class _Reading:
    """What has been read until now."""

    base: Path
    limits: Limits
    parser: ParserProcess
    at: Place
    files: dict[str, FolderFile] = field(default_factory=dict)
    sources: list[CorpusSource] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    wrong: list[FieldError] = field(default_factory=list)

    def read(self, place: str, source: CorpusPart) -> None:
        if problems := _told_secrets(place, source):
            self.wrong += map(self.at, problems)
            return
        try:
            with self._opened(source) as (prefix, files):
                found = gather(files, self._said(prefix, source), self.parser)
        except SekishoError as error:
            fields = error.fields or (FieldError("$", str(error)),)
            self.wrong += [self.at(FieldError(place + one.path.removeprefix("$"), one.message)) for one in fields]
            return
        self.refused += found.refused
        if not found.documents and not found.refused:
            self.wrong.append(self.at(FieldError(f"{place}.path", "there is no file in it that `include` names")))
        if isinstance(source, CorpusFolder) and source.uri is not msgspec.UNSET:
            self.sources.append(CorpusSource(uri=source.uri, digest=_tree_digest(found.documents)))
        for document in found.documents:
            if document.path in self.files:
                message = f"{document.path} is taken by an earlier source already"
                self.wrong.append(self.at(FieldError(f"{place}.path", message)))
            self.files[document.path] = _file(document)

    def _said(self, prefix: str, source: CorpusPart) -> Said:
        about = {
            name: value
            for name in ("language", "licence", "personal_data", "retention_days")
            if (value := getattr(source, name)) is not msgspec.UNSET
        }
        return Said(prefix, source.include, None if source.rows is msgspec.UNSET else source.rows, about)

    @contextmanager
    def _opened(self, source: CorpusPart) -> Iterator[tuple[str, Files]]:
        """The prefix of the source's paths, and its files; what it was is added to the sources."""
        match source:
            case CorpusFolder():
                yield self._folder(source.path)
            case GitSource():
                with commit_of(source.repository, source.commit, self.base) as commit:
                    self.sources.append(CorpusSource(uri=commit.uri(source.path), digest=f"git:{source.commit}"))
                    yield _prefix(source.into, source.path), git_files(commit, source.path, self.limits)
            case DvcSource():
                with commit_of(source.repository, source.commit, self.base) as commit:
                    tracked = tracked_by(commit, source.path)
                    uri = f"dvc+{commit.uri(source.path)}"
                    self.sources.append(CorpusSource(uri=uri, digest=f"md5:{tracked.md5}"))
                    prefix = _prefix(source.into, source.path.removesuffix(".dvc") if tracked.is_folder else "")
                    cache = self.base / (_given(source.cache) or f"{source.repository}/.dvc/cache")
                    yield prefix, dvc_files(commit, source.path, cache, self.limits)
            case LakeFSSource():
                uri = f"lakefs://{source.repository}/{source.commit}/{source.path.strip('/')}"
                self.sources.append(CorpusSource(uri=uri, digest=f"lakefs:{source.commit}"))
                with lakefs_client(os.environ) as client:
                    lake = LakeFS(client, source.repository, source.commit)
                    yield _prefix(source.into, source.path), lake.files(source.path, self.limits)
            case ArchiveSource():
                digest = f"sha256:{source.sha256.removeprefix('sha256:')}"
                self.sources.append(CorpusSource(uri=source.url, digest=digest))
                with httpx.Client() as client:
                    data = fetch(client, source.url, digest, self.limits)
                yield _prefix(source.into, source.path), archive_files(data, source.url, source.path, self.limits)

    def _folder(self, path: str) -> tuple[str, Files]:
        """A file alone is named from its own folder."""
        if problem := outside(self.base, path):
            raise Invalid("the folder cannot be read", fields=[FieldError("$.path", problem)])
        root = self.base / path
        if root.is_file():
            return Path(path).parent.as_posix(), local_file(root, self.limits)
        if not root.is_dir():
            raise Invalid("the folder cannot be read", fields=[FieldError("$.path", f"there is no {root}")])
        return Path(path).as_posix(), local_files(root, self.limits)


def _told_secrets(place: str, source: CorpusPart) -> list[FieldError]:
    """Addresses of the source that hold credentials: they would stand in the manifest, and are not even tried."""
    given = {name: getattr(source, name, msgspec.UNSET) for name in ("repository", "url", "uri")}
    found = {name: address_problem(value) for name, value in given.items() if isinstance(value, str)}
    return [FieldError(f"{place}.{name}", problem) for name, problem in found.items() if problem]


def _file(document: Document) -> FolderFile:
    digest = digest_of_bytes(document.data)
    return FolderFile(document.path, document.data, digest, document.media_type, document.about)


def _tree_digest(documents: Iterable[Document]) -> str:
    """Digest over the paths and texts that were read: the same for the same files."""
    return digest_of({document.path: digest_of_bytes(document.data) for document in documents})


def _given(value: str | msgspec.UnsetType) -> str:
    return "" if value is msgspec.UNSET else value


def _prefix(into: str | msgspec.UnsetType, path: str) -> str:
    return Path(_given(into) or path.strip("/") or ".").as_posix()


def outside(base: Path, path: str) -> str | None:
    """Why `path` may not be read from `base`; None where it may."""
    if Path(path).is_absolute() or ".." in Path(path).parts or "\\" in path:
        return f"{path!r} leads out of the folder of sekisho.yaml; what it declares stands below it"
    real = Path(os.path.realpath(base / path))
    return None if real.is_relative_to(os.path.realpath(base)) else f"{path!r} is a link out of the folder, to {real}"
