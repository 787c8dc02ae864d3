"""Two people who own policy."""

from __future__ import annotations

import pytest

from sekisho.identity.types import Actor
from sekisho.wiring.services import Services
from tests.gate.governing.policies import owner


@pytest.fixture
async def olivia(services: Services) -> Actor:
    return await owner(services, "olivia")


@pytest.fixture
async def oscar(services: Services) -> Actor:
    return await owner(services, "oscar")
