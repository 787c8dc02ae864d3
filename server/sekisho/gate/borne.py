"""Whether what people gave stands in the ledger as it stands in its table: a row edited by hand convinces nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from sekisho.kernel.database import Transaction
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Standing, Witness, fits


class Log(Protocol):
    """What the gate asks of the ledger."""

    async def about(self, tx: Transaction, *, project: str, kind: str, subject: str) -> list[Entry]: ...

    async def lacking(self, tx: Transaction, entries: Iterable[Entry]) -> tuple[Entry, ...]: ...

    async def subjects(self, tx: Transaction, *, project: str, kind: str) -> frozenset[str]: ...


async def unborne(
    tx: Transaction, log: Log, witness: Witness, project: str, digest: str, rows: Mapping[str, Facts]
) -> frozenset[str]:
    """Keys of those rows about the digest that no entry made, or that say something else than their entries.

    Where an entry about the digest does not stand in the log, none of the rows is borne out: one that took something
    back may have been changed.
    """
    if not rows:
        return frozenset()
    entries = [
        entry for kind in witness.kinds for entry in await log.about(tx, project=project, kind=kind, subject=digest)
    ]
    if await log.lacking(tx, entries):
        return frozenset(rows)
    standing: Standing = {}
    for entry in sorted(entries, key=lambda entry: entry.seq):
        witness.told(entry, standing)
    return frozenset(key for key, said in rows.items() if key not in standing or not fits(standing[key], said))
