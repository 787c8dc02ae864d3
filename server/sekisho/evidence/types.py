"""Cards: what a person attests about a system. Times are epoch milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

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
