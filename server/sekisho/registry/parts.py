"""What manifests are written in: words and numbers within bounds, and the base of every piece.

A manifest is canonical by construction: optionals that are absent (or null, or empty) are left out, and lists whose
order means nothing are sorted. So the same content has the same digest however it was written. Numbers are integers.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sekisho.kernel.digests import canonical_json, digest_of_bytes
from sekisho.registry.types import Dependency, Source

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
Licence = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+() -]{0,199}$")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
FieldName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
Count = Annotated[int, Meta(ge=1, le=2**31)]
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Base of the pieces of manifests."""


class Manifest(Part, frozen=True, kw_only=True):
    """Base of the manifests."""

    def dependencies(self) -> tuple[Dependency, ...]:
        """The versions that this manifest pins, in the order of its fields."""
        return ()

    def external_sources(self) -> tuple[Source, ...]:
        """What it is made from that the registry does not hold."""
        return ()

    def sorted(self) -> Manifest:
        """The same content with every list whose order means nothing in its one order."""
        return self

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values, absent optionals omitted."""
        value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.sorted()))
        return value

    def canonical(self) -> bytes:
        """RFC 8785 bytes."""
        return canonical_json(self.to_json())

    def own_digest(self) -> str:
        """The digest under which a version of this content is kept."""
        return digest_of_bytes(self.canonical())
