"""The values of a profile: sizes in bytes or characters, times in epoch milliseconds, likeness in basis points."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from sekisho.indexing.types import UNKNOWN_LANGUAGE


@dataclass(frozen=True, slots=True)
class Profiled:
    """A document as a profile looks at it."""

    path: str
    text: str
    bytes: int
    media_type: str
    language: str
    licence: str
    time: int | None = None
    personal_data: bool | None = None
    retention_days: int | None = None


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a profile's parts."""


class Share(Value, frozen=True, kw_only=True):
    """How many documents, and how many bytes, have this in common."""

    name: str
    documents: int
    bytes: int


def named(language: Share) -> Share:
    """The share of a language under the name that people are shown: ``und`` is ISO 639's word for none."""
    return msgspec.structs.replace(language, name="not declared") if language.name == UNKNOWN_LANGUAGE else language


class Bin(Value, frozen=True, kw_only=True):
    """Documents of at least `least` and fewer than `below` characters."""

    least: int
    below: int
    documents: int


class Lengths(Value, frozen=True, kw_only=True):
    """Characters of a document: order statistics by the nearest rank, and a histogram by powers of two."""

    shortest: int
    lower_quartile: int
    median: int
    upper_quartile: int
    longest: int
    histogram: tuple[Bin, ...]


class Alike(Value, frozen=True, kw_only=True):
    """Documents that say the same, or nearly: `similarity_bp` is the least Jaccard index of the pairs found."""

    documents: tuple[str, ...]
    similarity_bp: int


class Finding(Value, frozen=True, kw_only=True):
    """What a detector found, without the values: `documents` are the first few paths. `limits` is what it misses."""

    detector: str
    kind: str
    matches: int
    documents: int
    first: tuple[str, ...]
    limits: str


class Dated(Value, frozen=True, kw_only=True):
    document: str
    time: int


class Left(Value, frozen=True, kw_only=True):
    """A file that was refused, and so is not in the profile."""

    path: str
    reason: str


class Profile(Value, frozen=True, kw_only=True):
    """A corpus in numbers. `title` names it; lists are cut at what each says, and their counts are whole."""

    title: str
    documents: int
    bytes: int
    characters: int
    empty: tuple[str, ...]
    media_types: tuple[Share, ...]
    languages: tuple[Share, ...]
    scripts: tuple[Share, ...]
    licences: tuple[Share, ...]
    lengths: Lengths
    duplicates: tuple[Alike, ...]
    duplicate_documents: int
    near_duplicates: tuple[Alike, ...]
    near_duplicate_documents: int
    findings: tuple[Finding, ...]
    personal_data: tuple[Share, ...]
    oldest: Dated | None
    newest: Dated | None
    undated: int
    with_retention: int
    first_due: Dated | None
    """The document whose retention ends first, and when; None where none has both a time and a retention."""
    refused: tuple[Left, ...] = ()
