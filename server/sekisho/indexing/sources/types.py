"""Values of the sources: originals, what is refused of them, and the documents that they give. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

MIB: Final = 1024 * 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one file may ask for. Over a limit it is refused; the others go on."""

    original_bytes: int = 64 * MIB
    text_bytes: int = 10_000_000
    """The server's setting `max_file_bytes`: more than this cannot be put."""
    unpacked_bytes: int = 256 * MIB
    """Of an archive, of a DOCX file, or of all the rows of a table."""
    ratio: int = 200
    """How many bytes one packed byte may become, in members over a megabyte."""
    members: int = 20_000
    """Files of an archive, rows of a table: as many as a corpus holds."""
    pages: int = 5_000
    nesting: int = 256
    cell_bytes: int = 1_000_000
    seconds: float = 60.0
    memory_bytes: int = 2048 * MIB


Column = Annotated[str, Meta(min_length=1, max_length=200)]


class Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Each row of a table (CSV, JSON Lines, Parquet) is a document: which column has its text, and what else."""

    text: Column
    id: Column | None = None
    """Names the document; its row's number does where there is none."""
    title: Column | None = None
    language: Column | None = None
    uri: Column | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A text taken out of a file. `name` tells a row's from the others'; None stands for the whole file.

    `extractor` is empty where the bytes are the text as they are. `time` is in epoch milliseconds.
    """

    text: str | None = None
    name: str | None = None
    media_type: str = "text/plain"
    extractor: str = ""
    version: int = 0
    title: str | None = None
    language: str | None = None
    uri: str | None = None
    time: int | None = None


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What a parser made of a file; `refused` has the rows that it left out, by name, and why."""

    parts: tuple[Part, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the parsing process, besides the bytes."""

    kind: str
    limits: Limits
    rows: Rows | None = None
    size: int = 0


class Refusal(Exception):
    """Why a file is refused, in words that can follow its name."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file as a source has it. `path` names it in the source; `time`, in epoch milliseconds, is the source's."""

    path: str
    data: bytes
    uri: str | None = None
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was left out, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Document:
    """A text of the corpus to be. `about` are the fields of its manifest entry that not every document has."""

    path: str
    data: bytes
    media_type: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What came of a source: documents by path, and everything that was refused."""

    documents: tuple[Document, ...] = ()
    refused: tuple[Refused, ...] = ()
