"""What the rooms keep, held to what the log says of it.

The log proves that its own entries stand unchanged. A room's rows are held to them by its witnesses: each folds the
entries of its kinds into what must stand in one table now, and the rows are compared with that. A row that no entry
made, an entry whose row is gone, and a row that says something else are named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from sekisho.ledger.types import Entry

if TYPE_CHECKING:
    from sekisho.kernel.database import Transaction  # who verifies offline has no database

Facts = Mapping[str, Any]
Standing = dict[str, Facts]
"""By its key, what must stand in each row; facts that the log does not know are left out."""

PATIENCE_MS: Final = 600_000
"""How long before its entry a row may say that it came about: an engine may think between the two."""
CLOCK_MS: Final = 5_000
"""How much later it may say so, where several processes with clocks of their own wrote."""


class Moment(int):
    """When an entry was appended, epoch milliseconds; its row came about at that time or a little before."""

    def covers(self, found: Any) -> bool:
        return isinstance(found, int) and self - PATIENCE_MS <= found <= self + CLOCK_MS


class Witness(Protocol):
    """One table that entries of the log are about."""

    @property
    def what(self) -> str:
        """What a row is, in words: ``decision``."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of the entries that change the table."""
        ...

    def told(self, entry: Entry, standing: Standing) -> None:
        """Fold the next entry of these kinds in. Raises KeyError or TypeError for a body of another form."""
        ...

    def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        """Every row's key and what it says."""
        ...


async def held(tx: Transaction, witness: Witness, standing: Standing) -> AsyncIterator[str]:
    """What is wrong with the table."""
    left = dict(standing)
    async for key, said in witness.rows(tx):
        if key not in left:
            yield f"{witness.what} {key}: no entry of the ledger made it"
            continue
        for name, expected in left.pop(key).items():
            if not _same(expected, said.get(name)):
                yield f"{witness.what} {key}: {name} is {said.get(name)!r:.120}, the ledger says {expected!r:.120}"
    for key in left:
        yield f"{witness.what} {key} is gone"


def fits(expected: Facts, said: Facts) -> bool:
    """Whether a row says all that the log says of it."""
    return all(_same(value, said.get(name)) for name, value in expected.items())


def _same(expected: Any, found: Any) -> bool:
    return expected.covers(found) if isinstance(expected, Moment) else bool(expected == found)
