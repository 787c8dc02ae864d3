"""A registry on a fresh database, actors, and manifests that are right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sekisho.identity.types import Actor, PrincipalKind, Role
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer, load_or_create_signer
from sekisho.registry.service import Registry
from tests.clocks import FixedClock
from tests.registry.warrants import EveryWarrant


def actor(*roles: Role, name: str = "alice", project: str = "default") -> Actor:
    return Actor(name, PrincipalKind.PERSON, {project: frozenset(roles)}, None, f"token-of-{name}", None)


@pytest.fixture
def author() -> Actor:
    return actor(Role.AUTHOR)


@pytest.fixture
def viewer() -> Actor:
    return actor(Role.VIEWER, name="victor")


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    folder: Path = tmp_path_factory.mktemp("keys")
    return load_or_create_signer(folder / "signing.pem")


@pytest.fixture
async def registry(database: Database, clock: FixedClock, signer: Signer) -> AsyncIterator[Registry]:
    watch = ChangeWatch(database)
    await watch.start()
    yield Registry(
        database, clock, Ledger(database, clock, signer), watch, ("dev", "staging", "production"),
        lambda: ("recall", "mrr"), max_file_bytes=10_000, warrants=EveryWarrant(),
    )  # fmt: skip
    await watch.close()
