"""A ledger on a fresh database, and who may read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.clocks import FixedClock

from sekisho.kernel.database import Database
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer, load_or_create_signer


@dataclass(frozen=True)
class Readers:
    """Reads the named projects."""

    readable: frozenset[str]


@pytest.fixture
def everyone() -> Readers:
    return Readers(frozenset({"*"}))


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return load_or_create_signer(tmp_path_factory.mktemp("keys") / "signing.pem")


@pytest.fixture
def ledger(database: Database, clock: FixedClock, signer: Signer) -> Ledger:
    return Ledger(database, clock, signer)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "signing.pem"
