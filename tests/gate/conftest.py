"""A world for the gate's own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sekisho.kernel.database import Database
from sekisho.ledger.signing import Signer, load_or_create_signer
from tests.clocks import FixedClock
from tests.gate.scene import Scene, build_scene
from tests.gate.world import World, build_world


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    folder: Path = tmp_path_factory.mktemp("gate-keys")
    return load_or_create_signer(folder / "signing.pem")


@pytest.fixture
async def world(database: Database, clock: FixedClock, signer: Signer, data_dir: Path) -> AsyncIterator[World]:
    world, watch = await build_world(database, clock, signer, data_dir)
    yield world
    await watch.close()


@pytest.fixture
async def scene(world: World) -> Scene:
    return await build_scene(world)
