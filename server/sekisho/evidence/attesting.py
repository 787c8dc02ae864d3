"""Use cases of attested documents: a person's word about one version, in a role that policy names, for a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sekisho.evidence.spdx import MAX_EXPRESSION, alternatives
from sekisho.evidence.store import AttestedStore
from sekisho.evidence.types import LICENCE, Attested, Terms
from sekisho.identity.types import ROLE_ACTIONS, Action, Actor, PrincipalKind
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import Archived, FieldError, Forbidden, Invalid, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.references import Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.service import Registry
from sekisho.registry.types import Version

DAY_MS: Final = 86_400_000
MAX_DOCUMENT: Final = 200_000
"""Characters of a document; what is longer is named by address and hash in a text."""
_IDENTIFIER: Final = re.compile(r"^\W*SPDX-License-Identifier:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Attesting:
    """Takes and withdraws documents. `terms` say by type who may attest it, about what, and for how long."""

    database: Database
    clock: Clock
    ledger: Ledger
    registry: Registry
    terms: Mapping[str, Terms]

    async def attest(self, actor: Actor, reference: Reference, kind: str, document: str, days: int) -> Attested:
        """Keep a document of the type `kind` about a version; it ends by itself after `days`, or when a newer one
        of its type is attested about the same version.

        Raises `Forbidden` for a service and for whoever holds none of the roles that policy names, `Invalid` for a
        type that policy does not know, a version it is not about, a time that is too long, or an empty document,
        `Archived` for a version out of use.
        """
        actor.require(reference.project, Action.READ)
        terms = self._known(kind)
        role = _role(actor, reference.project, kind, terms)
        licence = _checked(reference, kind, terms, document, days)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            version = await self.registry.find(tx, reference)
            if version.archived or version.revoked:
                raise Archived(
                    f"{version} is archived or revoked", remedy="attest about the version that is to be used"
                )
            attested = self._draft(actor, version, kind, document, licence, role, days)
            await AttestedStore(tx).insert(attested)
            # The document may name people and be erased with its row; the ledger holds the row to its digest.
            body = {"type": kind, "role": role, "expires_at": attested.expires_at, "content": content_of(attested)}
            await self._record(tx, actor, "evidence.attested", attested, body)
            return attested

    async def withdraw(self, actor: Actor, project: str, document_id: str) -> Attested:
        """Take a document back, as whoever may attest its type, or operates; doing so again changes nothing.

        An older document does not come back in its place. Raises `NotFound` also for another project's, `Forbidden`.
        """
        actor.require(project, Action.READ)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            attested = await self._one(tx, project, document_id)
            if not actor.may(project, Action.OPERATE):
                _role(actor, project, attested.type, self._known(attested.type))
            if await AttestedStore(tx).withdraw(document_id, actor.principal, epoch_ms(self.clock.now())):
                await self._record(tx, actor, "evidence.withdrawn", attested, {"type": attested.type})
            return await self._one(tx, project, document_id)

    async def documents(self, actor: Actor, reference: Reference) -> tuple[Attested, ...]:
        """Every document about this version, newest first, whatever became of it."""
        actor.require(reference.project, Action.READ)
        async with self.database.read() as tx:
            version = await self.registry.find(tx, reference)
            return await AttestedStore(tx).all(version.project, [version.digest])

    def _known(self, kind: str) -> Terms:
        if kind not in self.terms:
            known = ", ".join(sorted(self.terms)) or "none"
            raise Invalid(
                f"policy knows no document of the type {kind!r}",
                fields=[FieldError("$.type", f"use one of: {known}")],
                remedy="types are set in the policy data, under `attested`",
            )
        return self.terms[kind]

    def _draft(
        self, actor: Actor, version: Version, kind: str, document: str, licence: str, role: str, days: int
    ) -> Attested:
        now = self.clock.now()
        return Attested(
            id=new_id(now),
            project=version.project,
            type=kind,
            subject=version.digest,
            kind=version.kind.value,
            name=version.name,
            number=version.number,
            document=document,
            licence=licence,
            principal=actor.principal,
            role=role,
            created_at=epoch_ms(now),
            expires_at=epoch_ms(now) + days * DAY_MS,
        )

    async def _one(self, tx: Transaction, project: str, document_id: str) -> Attested:
        attested = await AttestedStore(tx).one_or_none(project, document_id)
        if attested is None:
            raise NotFound(f"there is no attested document {document_id} in project {project}")
        return attested

    async def _record(
        self, tx: Transaction, actor: Actor, kind: str, attested: Attested, body: Mapping[str, object]
    ) -> None:
        await self.ledger.append(
            tx,
            kind=kind,
            project=attested.project,
            principal=actor.principal,
            subject=attested.subject,
            body={"document": attested.id, **body},
        )


def content_of(attested: Attested) -> str:
    """The digest that the ledger holds a document's words to. Its id makes it hard to guess short texts by."""
    return digest_of([attested.id, attested.document, attested.licence])


def _role(actor: Actor, project: str, kind: str, terms: Terms) -> str:
    """The role in which he may attest this type. Raises `Forbidden`."""
    if actor.kind is not PrincipalKind.PERSON:
        raise Forbidden(f"{actor.principal} is a service; only a person attests")
    held = actor.roles_in(project)
    for role in sorted(held):
        # A token that is limited to reading gives nobody's word.
        within = actor.scopes is None or bool(actor.scopes & (ROLE_ACTIONS[role] - {Action.READ}))
        if role.value in terms.roles and within:
            return role.value
    raise Forbidden(
        f"{actor.principal} may not attest a document of the type {kind} in project {project}",
        remedy=f"policy lets these roles attest it: {', '.join(terms.roles)}; the token must not be limited to reading",
    )


def _checked(reference: Reference, kind: str, terms: Terms, document: str, days: int) -> str:
    """The licence that a document of the type `LICENCE` names, else an empty text. Raises `Invalid`."""
    wrong = []
    longest = terms.longest_ms // DAY_MS
    if reference.kind.value not in terms.kinds:
        wrong.append(FieldError("$.subject", f"a {kind} is about: {', '.join(terms.kinds)}"))
    if not 1 <= days <= longest:
        wrong.append(FieldError("$.days", f"use 1 to {longest}"))
    if not document.strip() or "\x00" in document or len(document) > MAX_DOCUMENT:
        wrong.append(FieldError("$.document", f"give a text of 1 to {MAX_DOCUMENT} characters without NUL"))
    licence = ""
    if kind == LICENCE:
        found = _IDENTIFIER.search(document)
        licence = found[1] if found and len(found[1]) <= MAX_EXPRESSION else ""
        if not alternatives(licence):
            line = "say which licence it is in one line, such as `SPDX-License-Identifier: Apache-2.0`"
            wrong.append(FieldError("$.document", f"{line}; names are those of https://spdx.org/licenses"))
    if wrong:
        raise Invalid("this cannot be attested", fields=wrong)
    return licence
