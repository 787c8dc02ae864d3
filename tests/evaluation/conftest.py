"""The room under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.http.app import create_app
from sekisho.kernel.database import Database
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import load_or_create_signer
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.evaluation.fakes import World, build_world


@pytest.fixture
def world(database: Database, clock: FixedClock, data_dir: Path) -> World:
    ledger = Ledger(database, clock, load_or_create_signer(data_dir / "signing.pem"))
    return build_world(database, clock, ledger)


@pytest.fixture
async def door(services: Services, world: World) -> AsyncIterator[ApiClient]:
    """The application, with the room under test in its place."""
    world.agent()
    world.suite()
    there = replace(services, evaluation=world.evaluation)
    async with ApiClient(create_app(there), there) as client:
        yield client


@pytest.fixture
def ready(world: World) -> World:
    """A world with an agent and a retrieval suite."""
    world.agent()
    world.suite()
    return world
