"""Pushes of checkpoints, held to the log."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sekisho.kernel.database import Transaction
from sekisho.ledger.pushing.store import PushStore
from sekisho.ledger.pushing.types import NOT_PUSHED, PUSHED
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing


class CheckpointPushes:
    what = "checkpoint push"
    kinds = frozenset({PUSHED, NOT_PUSHED})

    def told(self, entry: Entry, standing: Standing) -> None:
        error = entry.body["error"] if entry.kind == NOT_PUSHED else None
        standing[entry.body["push"]] = {**entry.body, "error": error, "at": Moment(entry.time)}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for push in PushStore(tx).each():
            yield push.id, {"error": None, **push.entered(), "at": push.at}
