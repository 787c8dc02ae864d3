"""Taking an index out of the vector store and of the folder of term indexes, for an erasure. The worker does it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sekisho.indexing.ports import Ports
from sekisho.indexing.store import IndexStore
from sekisho.indexing.types import BuildRecord, collection_name
from sekisho.kernel.database import Transaction


@dataclass(frozen=True)
class ErasingIndexes(Ports):
    """An index goes as a whole: a part of it would be another index under the same digest."""

    async def records(self, tx: Transaction, project: str, digests: Sequence[str]) -> list[BuildRecord]:
        """The build records of these indexes, those that were never built here left out."""
        found = [await IndexStore(tx).one_or_none(project, digest) for digest in digests]
        return [record for record in found if record is not None]

    async def erase_files(self, project: str, records: Sequence[BuildRecord]) -> int:
        """Delete vectors, texts and terms of these indexes; gives the number of those that another project holds too.

        That project has the same documents of its own, and an erasure of its own: its collection stays.
        """
        kept = 0
        for record in records:
            self.recent.forget(record.digest)
            async with self.database.read() as tx:
                shared = await IndexStore(tx).held_elsewhere(project, record.digest)
                terms = await IndexStore(tx).terms_held_elsewhere(project, record.chunks_root)
            await asyncio.to_thread(self._forget_vectors, collection_name(record.digest))
            if shared:
                kept += 1
            else:
                await asyncio.to_thread(self.vectors.delete, collection_name(record.digest))
            if not terms:
                await asyncio.to_thread(self.term_indexes.delete, record.chunks_root)
        await asyncio.to_thread(self.cut_cache.forget)
        await asyncio.to_thread(self.vectors.scrub)
        return kept

    def _forget_vectors(self, name: str) -> None:
        """The cache of vectors holds them under the hash of their text, for every index: they go too."""
        self.vector_cache.forget([stored.text for stored in self.vectors.scan(name)])

    async def forget_in(self, tx: Transaction, project: str, records: Sequence[BuildRecord]) -> None:
        """Delete the build records, and the hashes of chunks where no other project has the index."""
        for record in records:
            if not await IndexStore(tx).held_elsewhere(project, record.digest):
                await IndexStore(tx).replace_chunks(record.digest, ())
            await IndexStore(tx).delete(project, record.digest)
