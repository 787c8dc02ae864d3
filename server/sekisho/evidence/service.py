"""Use cases of attested evidence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from sekisho.evidence.licensing import newest_scans
from sekisho.evidence.store import AttestedStore, CardStore
from sekisho.evidence.types import Attested, Card, CardDocument, LicenceScan
from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import Archived, FieldError, Invalid
from sekisho.kernel.ids import new_id
from sekisho.kernel.references import Kind, Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.service import Registry


@dataclass(frozen=True, slots=True)
class Evidence:
    """Cards, bound to the digest of a system's version; and all that the gate reads of this room."""

    database: Database
    clock: Clock
    ledger: Ledger
    registry: Registry

    async def add_card(self, actor: Actor, reference: Reference, document: CardDocument) -> Card:
        """Attest a card about a system's version.

        Raises `Invalid` where the reference is no system or the card says nothing at all, `Archived` where the
        system takes nothing new.
        """
        actor.require(reference.project, Action.REGISTER)
        if reference.kind is not Kind.SYSTEM:
            raise Invalid(
                f"{reference} is no system; a card is about a system",
                fields=[FieldError("$.subject", "name a system, such as system/docs@latest")],
            )
        if not any(document.filled().values()):
            raise Invalid(
                "the card is empty",
                fields=[FieldError(f"$.card.{name}", "say something here") for name in document.filled()],
            )
        now = self.clock.now()
        async with self.database.write() as tx:
            version = await self.registry.find(tx, reference)
            if version.archived:
                raise Archived(f"{version} is archived", remedy="restore it, or write the card for the version in use")
            card = Card(
                new_id(now), version.project, version.digest, version.name, document, actor.principal, epoch_ms(now)
            )
            await CardStore(tx).insert(card)
            await self.ledger.append(
                tx,
                kind="card.attested",
                project=card.project,
                principal=card.principal,
                subject=card.subject,
                body={"card": card.id, "content": digest_of(msgspec.to_builtins(document))},
            )
        return card

    async def cards(self, actor: Actor, reference: Reference) -> tuple[Card, ...]:
        """Every card about this version, newest first."""
        actor.require(reference.project, Action.READ)
        async with self.database.read() as tx:
            version = await self.registry.find(tx, reference)
            return await CardStore(tx).all(version.project, [version.digest])

    async def newest_cards(self, tx: Transaction, project: str, subjects: Collection[str]) -> tuple[Card, ...]:
        """The newest card about each of these digests: what the gate reads."""
        newest: dict[str, Card] = {}
        for card in await CardStore(tx).all(project, subjects):
            newest.setdefault(card.subject, card)
        return tuple(newest[subject] for subject in sorted(newest))

    async def newest_documents(self, tx: Transaction, project: str, subjects: Collection[str]) -> tuple[Attested, ...]:
        """Of each type the newest document about each of these digests, withdrawn or not: what the gate reads."""
        newest: dict[tuple[str, str], Attested] = {}
        for attested in await AttestedStore(tx).all(project, subjects):
            newest.setdefault((attested.subject, attested.type), attested)
        return tuple(newest[key] for key in sorted(newest))

    async def newest_scans(self, tx: Transaction, project: str, subjects: Collection[str]) -> tuple[LicenceScan, ...]:
        """The newest licence scan of each of these digests: what the gate reads."""
        found = await newest_scans(tx, project, sorted(subjects))
        return tuple(found[subject] for subject in sorted(found))
