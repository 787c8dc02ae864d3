"""What the ledger holds and proves. Times are epoch milliseconds; `seq` counts from 0, as RFC 9162 does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from sekisho.kernel.digests import canonical_json
from sekisho.ledger.merkle import leaf_hash

SCHEMA: Final = "sekisho.entry/v1"
EVERYWHERE: Final = "*"
"""The project of entries that concern the whole server: principals and tokens."""
SERVER: Final = "sekisho"
"""Whom entries name for what the server does of its own."""
DECISION_MADE: Final = "decision.made"
"""Kind of a decision's entry; its body names the digest of the signed statement under `ATTESTATION`."""
ATTESTATION: Final = "attestation"
NOTES: Final = frozenset(
    {"opa.asked", "opa.logged", "policy.shadow_judged", "checkpoint.pushed", "checkpoint.not_pushed"}
)
"""Kinds of entries that take down what was seen, so that it cannot be changed unseen. Nothing is decided by them."""
_KIND: Final = re.compile(r"[a-z]+(\.[a-z]+(_[a-z]+)*)+")


@lru_cache(maxsize=1024)
def is_kind(text: str) -> bool:
    """Whether this may be the kind of an entry; there are few, and each is looked at again and again."""
    return _KIND.fullmatch(text) is not None


@runtime_checkable
class Reader(Protocol):
    """Whoever asks to see the ledger; identity's ``Actor`` is one."""

    @property
    def readable(self) -> frozenset[str]:
        """Names of the projects he may read; `EVERYWHERE` stands for all of them."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of state, in the words of the room that made it."""

    seq: int
    time: int
    kind: str
    project: str
    principal: str
    subject: str | None
    body: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not is_kind(self.kind):
            raise ValueError(f"{self.kind!r} is not a dotted, past-tense word such as version.registered")

    def content(self) -> dict[str, Any]:
        """The JSON object whose canonical bytes are the leaf; an absent subject is left out."""
        content = {
            "schema": SCHEMA, "seq": self.seq, "time": self.time, "kind": self.kind, "project": self.project,
            "principal": self.principal, "body": dict(self.body),
        }  # fmt: skip
        return content if self.subject is None else {**content, "subject": self.subject}

    def leaf(self) -> bytes:
        return leaf_hash(canonical_json(self.content()))


class Stored(NamedTuple):
    """An entry's row as it stands, unverified."""

    seq: int
    time: int
    kind: str
    project: str
    principal: str
    subject: str | None
    content: str
    leaf_hash: str
    subtrees: str
    """Canonical JSON, as it is kept."""


def entry_of(content: Any) -> Entry:
    """The entry whose `Entry.content` this is. Raises ValueError for any other object."""
    try:
        entry = Entry(
            seq=content["seq"], time=content["time"], kind=content["kind"], project=content["project"],
            principal=content["principal"], subject=content.get("subject"), body=content["body"],
        )  # fmt: skip
        if entry.content() != content or not isinstance(entry.seq, int) or not isinstance(entry.body, dict):
            raise ValueError("it has other fields than a ledger entry")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not a ledger entry: {error}") from error
    return entry


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement that the log `origin` of `size` entries had `root` (``sha256:…``) at `time`."""

    origin: str
    size: int
    root: str
    time: int
    envelope: Mapping[str, Any]

    def content(self) -> dict[str, Any]:
        """What is signed."""
        return {"origin": self.origin, "size": self.size, "root": self.root, "time": self.time}


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That entry `seq` is among the first `size`; `hashes` in the RFC's order, nearest the leaf first."""

    seq: int
    size: int
    leaf_hash: str
    root: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree of `first` entries is the beginning of the tree of `second`."""

    first: int
    second: int
    first_root: str
    second_root: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """Outcome of recomputing the whole log. `problems` is empty where all of it holds."""

    entries: int
    checkpoints: int
    root: str
    problems: tuple[str, ...]
