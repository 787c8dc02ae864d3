"""Revocations in the database."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select, update

from sekisho.kernel.database import Transaction, each
from sekisho.registry.rows import RevocationRow, VersionRow
from sekisho.registry.types import Revocation


class RevocationStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, revocation: Revocation) -> None:
        """Keep it, and mark the version under every name that its bytes have in the project."""
        self._tx.add(RevocationRow(**dataclasses.asdict(revocation)))
        await self._tx.flush()
        same = (VersionRow.project == revocation.project, VersionRow.digest == revocation.digest)
        await self._tx.execute(update(VersionRow).where(*same).values(revoked=True))

    async def each(self) -> AsyncIterator[Revocation]:
        """Every revocation of every project."""
        async for (row,) in each(self._tx, select(RevocationRow)):
            yield _revocation(row)

    async def one_or_none(self, project: str, digest: str) -> Revocation | None:
        found = await self.all(project, [digest])
        return found[0] if found else None

    async def all(self, project: str, digests: Sequence[str]) -> list[Revocation]:
        """Those of these digests that are revoked, oldest first."""
        query = select(RevocationRow).where(RevocationRow.project == project, RevocationRow.digest.in_(digests))
        rows = await self._tx.scalars(query.order_by(RevocationRow.created_at, RevocationRow.id))
        return [_revocation(row) for row in rows]


def _revocation(row: RevocationRow) -> Revocation:
    names = [field.name for field in dataclasses.fields(Revocation)]
    return Revocation(**{name: getattr(row, name) for name in names})
