"""Makes entries for tests."""

from __future__ import annotations

from sekisho.ledger.service import Ledger
from sekisho.ledger.types import Entry


async def append(ledger: Ledger, count: int = 1, *, project: str = "default", kind: str = "version.registered",
                 subject: str | None = None) -> list[Entry]:  # fmt: skip
    """Append that many entries, each in its own transaction."""
    entries = []
    for number in range(count):
        async with ledger.database.write() as tx:
            entries.append(
                await ledger.append(
                    tx, kind=kind, project=project, principal="alice", subject=subject, body={"number": number}
                )
            )
    return entries
