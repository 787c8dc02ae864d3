"""Giving every chunk of a build its vector: from the cache where it was embedded before, else from the embedder."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sekisho.indexing.packed import Packed, digests
from sekisho.indexing.spool import Spool
from sekisho.indexing.types import Chunk, vector_hash
from sekisho.indexing.vector_cache import VectorCache
from sekisho.indexing.vectors import VectorStore
from sekisho.inference.types import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Placed = tuple[int, Chunk]
_SLAB: Final = 64
_WRITTEN_AT_ONCE: Final = 1024


@dataclass
class Filling:
    """Fills one staging collection; `beat` is told how many chunks have their vector, and may raise to end it.

    While the embedder works on one slab, the store takes what was embedded before it.
    """

    embedder: Embedder
    cache: VectorCache
    vectors: VectorStore
    staging: str
    spool: Spool
    beat: Callable[[int, int], Awaitable[None]]
    embedded: int = 0
    _hashes: Packed = field(init=False)
    _waiting: list[Placed] = field(default_factory=list, init=False)
    _rows: list[NDArray[np.float32]] = field(default_factory=list, init=False)
    _done: int = field(default=0, init=False)
    _writing: asyncio.Task[None] | None = field(default=None, init=False)

    async def fill(self) -> Packed:
        """The hash of each chunk's vector, by ordinal. Raises what the embedder, the store and `beat` raise."""
        self._hashes = digests(len(self.spool))
        await asyncio.to_thread(self.cache.touch)
        try:
            unknown = await self._from_cache()
            await self._write()
            for slab in _slabs(unknown, self.spool):
                await self._embed(slab)
            await self._write()
            await self._written()
        finally:
            if self._writing is not None:  # the collection is about to be deleted: not under the writer's hands
                await asyncio.wait([self._writing])
                self._writing.exception()
        return self._hashes

    async def _from_cache(self) -> array[int]:
        """Take what is known, in the corpus's order; gives the ordinals of what is not."""
        unknown = array("I")
        for batch in self.spool.batches():
            known = await asyncio.to_thread(self.cache.known, self.embedder.digest, [chunk.text for _, chunk in batch])
            unknown.extend(ordinal for place, (ordinal, _) in enumerate(batch) if place not in known)
            await self._take([(batch[place], row) for place, row in known.items()])
        return unknown

    async def _embed(self, slab: Sequence[Placed]) -> None:
        """Equal texts once; what an earlier slab embedded is known by now."""
        digest, texts = self.embedder.digest, list(dict.fromkeys(chunk.text for _, chunk in slab))
        known = dict(await asyncio.to_thread(self.cache.known, digest, texts))
        fresh = [place for place in range(len(texts)) if place not in known]
        if fresh:
            asked = [texts[place] for place in fresh]
            made = await asyncio.to_thread(self.embedder.embed, asked)
            await asyncio.to_thread(self.cache.keep, digest, asked, made)
            known |= dict(zip(fresh, made, strict=True))
            self.embedded += len(fresh)
        rows = {texts[place]: row for place, row in known.items()}
        await self._take([((ordinal, chunk), rows[chunk.text]) for ordinal, chunk in slab])

    async def _take(self, made: Sequence[tuple[Placed, NDArray[np.float32]]]) -> None:
        for placed, row in made:
            self._hashes[placed[0]] = vector_hash(row)
            self._waiting.append(placed)
            self._rows.append(row)
        self._done += len(made)
        if len(self._waiting) >= _WRITTEN_AT_ONCE:
            await self._write()
        await self.beat(self._done, len(self.spool))

    async def _write(self) -> None:
        """Hand what waits to the store, once the store has taken what it was handed before."""
        import numpy as np

        await self._written()
        if self._waiting:
            rows = np.stack(self._rows)
            self._writing = asyncio.create_task(asyncio.to_thread(self.vectors.add, self.staging, self._waiting, rows))
            self._waiting, self._rows = [], []

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing


def _slabs(ordinals: array[int], spool: Spool) -> Iterator[list[Placed]]:
    """Longest first, so that texts in one batch are of like length and next to nothing is spent on padding."""
    import numpy as np

    places = np.frombuffer(ordinals, ordinals.typecode)
    tokens = np.frombuffer(spool.tokens, spool.tokens.typecode)[places].astype(np.int64)
    order = places[np.argsort(-tokens, kind="stable")]
    for start in range(0, len(order), _SLAB):
        slab = order[start : start + _SLAB].tolist()
        yield list(zip(slab, spool.some(slab), strict=True))
