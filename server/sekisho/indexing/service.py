"""Indexing's service, put together from its use cases."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.indexing.corpora import Corpora
from sekisho.indexing.erasing import ErasingIndexes
from sekisho.indexing.working import Working


@dataclass(frozen=True)
class Indexing(Corpora, Working, ErasingIndexes):
    """Profiles corpora; builds, verifies and searches indexes. `build`, `verify`, `search`, `open` need the worker's
    packages."""
