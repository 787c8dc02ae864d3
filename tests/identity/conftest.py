"""Identity on a fresh database after its first start, with an admin and a way to make others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.clocks import FixedClock

from sekisho.identity.bootstrap import Bootstrap
from sekisho.identity.service import Identity
from sekisho.identity.types import Actor
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer, load_or_create_signer


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return load_or_create_signer(tmp_path_factory.mktemp("keys") / "signing.pem")


@pytest.fixture
async def watch(database: Database) -> AsyncIterator[ChangeWatch]:
    watch = ChangeWatch(database)
    await watch.start()
    yield watch
    await watch.close()


@pytest.fixture
def identity(database: Database, clock: FixedClock, signer: Signer, watch: ChangeWatch) -> Identity:
    return Identity(database, clock, Ledger(database, clock, signer), watch)


@pytest.fixture
async def admin(identity: Identity, data_dir: Path) -> Actor:
    """The first admin, by the token of the first start."""
    path = await Bootstrap(identity, data_dir).run()
    assert path is not None
    return await identity.authenticate(path.read_text().strip())
