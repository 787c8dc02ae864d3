"""Fixtures of this room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sekisho.kernel.database import Database
from tests.clocks import FixedClock
from tests.indexing.worlds import World, new_world


@pytest.fixture
async def world(database: Database, data_dir: Path, clock: FixedClock) -> AsyncIterator[World]:
    world = new_world(database, data_dir, clock)
    yield world
    await world.indexing.close()
