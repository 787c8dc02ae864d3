"""What is attested or found by looking: cards, documents, licence scans. Times are epoch milliseconds; no I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec

from sekisho.evidence.spdx import Alternatives, alternatives

Paragraph = Annotated[str, msgspec.Meta(max_length=20_000)]


class CardDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A system card. A part left empty counts as missing; whether that denies is policy's business."""

    intended_use: Paragraph = ""
    """What the system is for, and for whom; what it must not be used for."""
    limitations: Paragraph = ""
    """Where it is known to fail."""
    risks: Paragraph = ""
    """What can go wrong for people, and what was done about it."""
    affected_groups: Paragraph = ""
    """Who is affected, and how fairness between them was looked at."""
    evaluation: Paragraph = ""
    """How it was evaluated, on which data, with which results."""
    contact: Paragraph = ""
    """Whom to write to when it misbehaves."""

    def filled(self) -> dict[str, bool]:
        """Which parts say something."""
        plain = msgspec.structs.asdict(self)
        return {name: bool(plain[name].strip()) for name in self.__struct_fields__}


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it was attested: by whom, when, and about which system version (its digest)."""

    id: str
    project: str
    subject: str
    name: str
    document: CardDocument
    principal: str
    created_at: int

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "project": self.project,
            "subject": self.subject,
            "system": f"system/{self.name}",
            "origin": "attested",
            "principal": self.principal,
            "created_at": self.created_at,
            "card": msgspec.to_builtins(self.document),
            "filled": self.document.filled(),
        }


LICENCE: Final = "licence"
"""The type of document in which somebody confirms a licence; it says which in a line ``SPDX-License-Identifier: …``."""


class Terms(Protocol):
    """What policy data says of one type of document: who may attest it, about what, and for how long at most."""

    @property
    def roles(self) -> Sequence[str]: ...

    @property
    def kinds(self) -> Sequence[str]: ...

    @property
    def longest_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Attested:
    """A document that a person attested about one version, until it expires; `role` is the one he did it in.

    `licence` is the SPDX expression of a document of the type `LICENCE`, else empty.
    """

    id: str
    project: str
    type: str
    subject: str
    kind: str
    name: str
    number: int
    document: str
    licence: str
    principal: str
    role: str
    created_at: int
    expires_at: int
    withdrawn_at: int | None = None
    withdrawn_by: str | None = None

    def state(self, now: int) -> str:
        """``standing``, ``expired`` or ``withdrawn``; `now` is epoch milliseconds. A newer one may stand before it."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "standing" if now < self.expires_at else "expired"


class LicenceFinding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one place says of a licence. `count` places say the same; `place` is the first.

    `source`: the ``manifest``, a ``document`` of the corpus or a row of the dataset about itself, a licence ``file``
    among them, the installed ``package`` or the model ``host`` that a model comes from.
    """

    source: Literal["manifest", "document", "file", "package", "host"]
    place: str
    said: str
    count: int = 1

    @property
    def alternatives(self) -> Alternatives:
        """Empty where nobody can say which licence that is."""
        return alternatives(self.said)


@dataclass(frozen=True, slots=True)
class LicenceScan:
    """What `scanner` found about one version. The bytes do not change, so only another scanner finds anything else."""

    id: str
    project: str
    subject: str
    kind: str
    name: str
    number: int
    scanner: str
    findings: tuple[LicenceFinding, ...]
    principal: str
    created_at: int

    def as_json(self) -> dict[str, Any]:
        found = [{**msgspec.to_builtins(one), "alternatives": one.alternatives} for one in self.findings]
        return {
            "id": self.id,
            "subject": f"{self.kind}/{self.name}",
            "number": self.number,
            "digest": self.subject,
            "scanner": self.scanner,
            "origin": "measured",
            "principal": self.principal,
            "created_at": self.created_at,
            "findings": found,
        }
