"""The room under test."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.kernel.database import Database
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import load_or_create_signer
from tests.clocks import FixedClock
from tests.evaluation.fakes import World, build_world


@pytest.fixture
def world(database: Database, clock: FixedClock, data_dir: Path) -> World:
    ledger = Ledger(database, clock, load_or_create_signer(data_dir / "signing.pem"))
    return build_world(database, clock, ledger)
