"""Overlap checks, held to the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from sekisho.evidence.overlap.store import OverlapStore
from sekisho.kernel.database import Transaction
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing

MEASURED: Final = "overlap.measured"
_SAID: Final = ("dataset", "prompt", "corpus", "method", "cases", "untold", "in_prompt", "in_corpus", "found")


class OverlapChecks:
    what = "overlap check"
    kinds = frozenset({MEASURED})

    def told(self, entry: Entry, standing: Standing) -> None:
        standing[entry.body["overlap"]] = {
            "project": entry.project,
            "principal": entry.principal,
            "created_at": Moment(entry.time),
            **{name: entry.body[name] for name in _SAID},
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for overlap in OverlapStore(tx).each():
            yield overlap.id, overlap.as_json()
