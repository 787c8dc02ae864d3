"""Indexing's service, put together from its use cases."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.indexing.comparing import Comparing
from sekisho.indexing.corpora import Corpora
from sekisho.indexing.erasing import ErasingIndexes
from sekisho.indexing.scheduling import Scheduling
from sekisho.indexing.verifying import Verifying


@dataclass(frozen=True)
class Indexing(Corpora, Verifying, Comparing, Scheduling, ErasingIndexes):
    """Profiles corpora; builds, verifies, compares and searches indexes.

    `build`, `verify`, `search`, `open` need the worker's packages.
    """
