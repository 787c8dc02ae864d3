"""Indexing's service, put together from its use cases."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.indexing.comparing import Comparing
from sekisho.indexing.requesting import Requesting
from sekisho.indexing.scheduling import Scheduling
from sekisho.indexing.verifying import Verifying


@dataclass(frozen=True)
class Indexing(Requesting, Verifying, Comparing, Scheduling):
    """Builds, verifies and searches indexes. `build`, `verify`, `search`, `open` need the worker's packages."""
