"""Changes the database behind the server's back, asks what verification says, and takes the change back."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, text

from sekisho.ledger.service import Ledger


class Undo(Exception):
    """Takes the change back."""


async def problems_after(ledger: Ledger, statement: str) -> tuple[str, ...]:
    """What does not hold once this statement has changed at least one row."""
    found: tuple[str, ...] = ()
    try:
        async with ledger.database.write() as tx:
            done = cast("CursorResult[Any]", await tx.execute(text(statement)))
            assert done.rowcount > 0, f"no row is changed by {statement}"
            found = (await ledger.verify_in(tx)).problems
            raise Undo
    except Undo:
        return found
