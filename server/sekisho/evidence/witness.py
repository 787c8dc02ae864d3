"""Cards, held to the log."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from sekisho.evidence.store import CardStore
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing


class Cards:
    what = "card"
    kinds = frozenset({"card.attested"})

    def told(self, entry: Entry, standing: Standing) -> None:
        standing[entry.body["card"]] = {
            "project": entry.project,
            "subject": entry.subject,
            "principal": entry.principal,
            "content": entry.body["content"],
            "created_at": Moment(entry.time),
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for card in CardStore(tx).each():
            yield (
                card.id,
                {
                    "project": card.project,
                    "subject": card.subject,
                    "principal": card.principal,
                    "content": digest_of(msgspec.to_builtins(card.document)),
                    "created_at": card.created_at,
                },
            )
