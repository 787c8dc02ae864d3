"""Cards, attested documents and licence scans, held to the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from sekisho.evidence.attesting import content_of
from sekisho.evidence.licensing import findings_digest
from sekisho.evidence.store import AttestedStore, CardStore, LicenceScanStore
from sekisho.evidence.types import Card, LicenceScan
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing


class Cards:
    what = "card"
    kinds = frozenset({"card.attested"})

    def told(self, entry: Entry, standing: Standing) -> None:
        standing[entry.body["card"]] = _told(entry)

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for card in CardStore(tx).each():
            yield card.id, _kept(card, digest_of(msgspec.to_builtins(card.document)))


class AttestedDocuments:
    what = "attested document"
    kinds = frozenset({"evidence.attested", "evidence.withdrawn"})

    def told(self, entry: Entry, standing: Standing) -> None:
        body = entry.body
        if entry.kind == "evidence.withdrawn":
            taken = {"withdrawn_by": entry.principal, "withdrawn_at": Moment(entry.time)}
            standing[body["document"]] = {**standing[body["document"]], **taken}
            return
        standing[body["document"]] = {
            "project": entry.project,
            "subject": entry.subject,
            "principal": entry.principal,
            "type": body["type"],
            "role": body["role"],
            "content": body["content"],
            "expires_at": body["expires_at"],
            "created_at": Moment(entry.time),
            "withdrawn_by": None,
            "withdrawn_at": None,
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for attested in AttestedStore(tx).each():
            yield (
                attested.id,
                {
                    "project": attested.project,
                    "subject": attested.subject,
                    "principal": attested.principal,
                    "type": attested.type,
                    "role": attested.role,
                    "content": content_of(attested),
                    "expires_at": attested.expires_at,
                    "created_at": attested.created_at,
                    "withdrawn_by": attested.withdrawn_by,
                    "withdrawn_at": attested.withdrawn_at,
                },
            )


class LicenceScans:
    what = "licence scan"
    kinds = frozenset({"licences.scanned"})

    def told(self, entry: Entry, standing: Standing) -> None:
        standing[entry.body["scan"]] = _told(entry)

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for scan in LicenceScanStore(tx).each():
            yield scan.id, _kept(scan, findings_digest(scan))


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "project": entry.project,
        "subject": entry.subject,
        "principal": entry.principal,
        "content": entry.body["content"],
        "created_at": Moment(entry.time),
    }


def _kept(row: Card | LicenceScan, content: str) -> dict[str, Any]:
    return {
        "project": row.project,
        "subject": row.subject,
        "principal": row.principal,
        "content": content,
        "created_at": row.created_at,
    }
