"""What the use cases of indexing stand on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property

from sekisho.indexing.chroma import Chroma
from sekisho.indexing.cut_cache import CutCache
from sekisho.indexing.recent import RecentIndexes
from sekisho.indexing.retrieval import QueryVectors
from sekisho.indexing.terms import TermIndexes
from sekisho.indexing.vector_cache import VectorCache
from sekisho.indexing.vectors import VectorStore
from sekisho.inference.service import Inference
from sekisho.kernel.clock import Clock
from sekisho.kernel.database import Database
from sekisho.kernel.jobs import Jobs
from sekisho.kernel.settings import Settings
from sekisho.ledger.service import Ledger
from sekisho.registry.service import Registry


@dataclass(frozen=True)
class Ports:
    """Nothing heavy is opened or imported before it is used: an API process holds this too."""

    settings: Settings
    database: Database
    clock: Clock
    ledger: Ledger
    jobs: Jobs
    registry: Registry
    inference: Inference
    queries: QueryVectors = field(default_factory=QueryVectors, repr=False, compare=False)
    recent: RecentIndexes = field(default_factory=RecentIndexes, repr=False, compare=False)

    @cached_property
    def vectors(self) -> VectorStore:
        """Chroma where the settings say."""
        if self.settings.chroma_url:
            return Chroma(url=self.settings.chroma_url)
        return Chroma(folder=self.settings.data_dir / "chroma")

    async def close(self) -> None:
        """Safe to call where nothing was ever opened."""
        if "vectors" in self.__dict__:
            await asyncio.to_thread(self.vectors.close)

    @cached_property
    def term_indexes(self) -> TermIndexes:
        return TermIndexes(self.settings.data_dir / "bm25")

    @cached_property
    def vector_cache(self) -> VectorCache:
        """What was embedded before, for builds: no index is read from it."""
        return VectorCache(self.settings.data_dir / "vector-cache.sqlite3", self.settings.vector_cache_mb * 1_000_000)

    @cached_property
    def cut_cache(self) -> CutCache:
        """Where documents were cut before, for builds."""
        return CutCache(self.settings.data_dir / "cut-cache.sqlite3")
