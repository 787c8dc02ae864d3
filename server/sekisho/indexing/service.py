"""Indexing's service, put together from its use cases."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.indexing.requesting import Requesting
from sekisho.indexing.working import Working


@dataclass(frozen=True)
class Indexing(Requesting, Working):
    """Builds, verifies and searches indexes. `build`, `verify`, `search`, `open` need the worker's packages."""
