"""What `resolve` says of the vectors behind a version: the mark of the last verification."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.indexing.store import IndexStore
from sekisho.kernel.database import Transaction


@dataclass(frozen=True, slots=True)
class KeptIntegrity:
    """The registry's `Integrities`, from the build records."""

    async def integrity_of(self, tx: Transaction, project: str, digest: str) -> str:
        return (await IndexStore(tx).integrity(project, digest)).value
