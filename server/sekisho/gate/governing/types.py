"""Published policies, their activations and shadows. Times are epoch milliseconds; no I/O here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import FieldError, Invalid

SHIPPED: Final = "sekisho"
"""The name under which each version of Sekisho publishes the policy that ships with it."""
FOLDER: Final = "folder"
"""The name under which a new database publishes the folder that its settings name."""
PROPOSAL_DAYS: Final = 7
"""How long a proposal waits for its second owner."""
DAY_MS: Final = 86_400_000
LOOK_BACK: Final = 100
"""How many of the last decisions are held to a policy before it may be put in force."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_REFERENCE: Final = re.compile(r"(?P<name>[^@]*)(@v(?P<number>[1-9][0-9]{0,8}))?")


class Origin(StrEnum):
    """Where a published policy came from."""

    SHIPPED = "shipped"
    FOLDER = "folder"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Published:
    """One version of a policy. What it holds never changes; `digest` is the policy digest that decisions name.

    `content_digest` covers the tests too. `base` is the digest of the built-in rules that it rests on.
    """

    name: str
    number: int
    digest: str
    content_digest: str
    base: str
    origin: Origin
    message: str
    published_by: str
    published_at: int

    @property
    def label(self) -> str:
        return f"{self.name}@v{self.number}"


@dataclass(frozen=True, slots=True)
class Activation:
    """A proposal to put a published policy in force and, once a second owner approved, the act itself.

    `seq` counts activations from 1 and is None while it is only proposed; the highest is in force. `from_digest` is
    what was in force when it was proposed. `report` is what both owners saw, and `report_digest` names it.
    """

    id: str
    name: str
    number: int
    digest: str
    from_digest: str | None
    reason: str
    accepted: str | None
    """Why denials may become allows; None where none does."""
    report: Mapping[str, Any]
    report_digest: str
    proposed_by: str
    proposed_with: str | None
    """The token that the proposer used; None for the server itself."""
    proposed_at: int
    approved_by: str | None = None
    approved_at: int | None = None
    withdrawn_by: str | None = None
    withdrawn_at: int | None = None
    seq: int | None = None
    envelope: Mapping[str, Any] | None = None

    @property
    def label(self) -> str:
        return f"{self.name}@v{self.number}"

    def state(self, now: int, in_force: Activation | None) -> str:
        """``active``, ``former``, ``withdrawn``, ``expired``, ``overtaken`` or ``proposed``.

        A proposal is overtaken once another policy is in force than the one that its flips were against.
        """
        if self.seq is not None:
            return "active" if in_force is not None and self.id == in_force.id else "former"
        if self.withdrawn_at is not None:
            return "withdrawn"
        if now >= self.expires_at:
            return "expired"
        return "proposed" if in_force is not None and in_force.digest == self.from_digest else "overtaken"

    @property
    def expires_at(self) -> int:
        """When the proposal lapses."""
        return self.proposed_at + PROPOSAL_DAYS * DAY_MS

    def signed(self) -> dict[str, Any]:
        """What the server signs of an activation: who put which policy in force, in which place, having seen what."""
        return {
            "_type": "https://in-toto.io/Statement/v1",
            "predicateType": "https://sekisho.dev/policy-activation/v1",
            "subject": [{"name": f"policy/{self.name}", "digest": {"sha256": self.digest.removeprefix("sha256:")}}],
            "predicate": {
                "activation": self.id,
                "seq": self.seq,
                "number": self.number,
                "from": self.from_digest or "",
                "reason": self.reason,
                "accepted": self.accepted or "",
                "report": self.report_digest,
                "proposed_by": self.proposed_by,
                "proposed_at": self.proposed_at,
                "approved_by": self.approved_by or "",
                "approved_at": self.approved_at or 0,
            },
        }


@dataclass(frozen=True, slots=True)
class Shadow:
    """A published policy that judges alongside and decides nothing, from `started_at` until it is stopped."""

    id: str
    name: str
    number: int
    digest: str
    started_by: str
    started_at: int
    stopped_by: str | None = None
    stopped_at: int | None = None

    @property
    def label(self) -> str:
        return f"{self.name}@v{self.number}"


@dataclass(frozen=True, slots=True)
class ShadowFinding:
    """What the shadow said of one decision. `error` says why there is no verdict; `took_ms` is its engine's time."""

    shadow_id: str
    decision_id: str
    subject: str
    stage: str
    decided: str
    """The decision's own outcome."""
    outcome: str
    answer: Mapping[str, Any] | None
    error: str | None
    took_ms: int
    judged_at: int

    @property
    def content_digest(self) -> str:
        """Of all that it says, as the ledger's entry names it."""
        return digest_of(dataclasses.asdict(self))


def checked_name(name: str) -> str:
    """A name for users' policies. Raises `Invalid`."""
    if _NAME.fullmatch(name) is None or name in (SHIPPED, FOLDER):
        raise Invalid(
            f"{name!r} cannot name a policy",
            fields=[FieldError("$.name", f"a to z, 0 to 9 and hyphens, up to 63; not {SHIPPED} or {FOLDER}")],
        )
    return name


def parse_label(text: str) -> tuple[str, int | None]:
    """Name and number of ``name`` or ``name@v3``. Raises `Invalid`."""
    found = _REFERENCE.fullmatch(text)
    if found is None or _NAME.fullmatch(found["name"]) is None:
        raise Invalid(f"{text!r} names no policy", fields=[FieldError("$.policy", "write NAME or NAME@v3")])
    return found["name"], int(found["number"]) if found["number"] else None
