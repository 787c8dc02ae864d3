"""What the registry's use cases stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sekisho.kernel.clock import Clock
from sekisho.kernel.database import ChangeWatch, Database, Transaction
from sekisho.kernel.references import Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.checks import KnownScorers
from sekisho.registry.finding import find
from sekisho.registry.memory import Memory
from sekisho.registry.store import after_commit
from sekisho.registry.terms import Terms
from sekisho.registry.types import Pointer, Version


class Warrants(Protocol):
    """What says whether a pointer stands where a decision put it."""

    async def check(self, tx: Transaction, pointer: Pointer) -> Terms:
        """On what terms it stands.

        Raises `Unwarranted` where no signed decision moved this digest to this stage, and `Lapsed` where one did that
        is over.
        """
        ...


class Integrities(Protocol):
    """Says of an index whether its vectors are still what was built. The registry itself holds no vectors."""

    async def integrity_of(self, tx: Transaction, project: str, digest: str) -> str:
        """``verified``, ``drifted`` or ``unverified``."""
        ...


@dataclass(frozen=True, slots=True)
class NeverLooked:
    """Where nobody verifies anything."""

    async def integrity_of(self, tx: Transaction, project: str, digest: str) -> str:
        return "unverified"


@dataclass(frozen=True)
class Ports:
    """The registry's ports. `stages` are the stages' names in the order of promotion."""

    database: Database
    clock: Clock
    ledger: Ledger
    watch: ChangeWatch
    stages: Sequence[str]
    scorers: KnownScorers
    max_file_bytes: int
    warrants: Warrants
    memory: Memory = field(default_factory=Memory)
    integrities: Integrities = NeverLooked()

    async def find(self, tx: Transaction, reference: Reference) -> Version:
        """The version that a reference means, for another room.

        Raises `NotFound`, `AmbiguousReference`, and `Invalid` for a reference without a selector.
        """
        return (await find(tx, reference, self.stages))[0].version

    async def _record(
        self, tx: Transaction, kind: str, project: str, principal: str, subject: str | None, body: Mapping[str, Any]
    ) -> None:
        """Write the ledger's entry last, and have every process forget what it remembers once it is committed."""
        await self.ledger.append(tx, kind=kind, project=project, principal=principal, subject=subject, body=body)
        await self.database.announce(tx)
        after_commit(tx, self.memory.forget)
