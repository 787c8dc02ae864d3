"""The room that qualifies judges, in the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sekisho.http.app import create_app
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.evaluation.judges.rooms import Hosts, Room


@pytest.fixture
async def room(services: Services, clock: FixedClock) -> AsyncIterator[Room]:
    hosts = Hosts()
    judging = replace(services.judging, inference=hosts, beat_s=0)
    there = replace(services, judging=judging)
    async with ApiClient(create_app(there), there) as api:
        yield Room(api, judging, hosts, there, clock)
