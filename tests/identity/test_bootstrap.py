"""The first start, and those after it."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from tests.clocks import FixedClock
from tests.identity.people import kinds

from sekisho.identity.bootstrap import Bootstrap
from sekisho.identity.service import Identity
from sekisho.identity.types import Actor, Role
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer

DAY = 86_400_000


async def test_the_first_start(identity: Identity, admin: Actor, data_dir: Path) -> None:
    """It makes the project default, an admin of everything, and a token that only its owner reads."""
    assert (admin.principal, dict(admin.roles)) == ("admin", {"*": frozenset({Role.ADMIN})})
    assert [project.name for project in await identity.projects(admin)] == ["default"]
    assert stat.S_IMODE((data_dir / "admin.token").stat().st_mode) == 0o600
    assert await kinds(identity, admin) == ["project.created", "principal.created", "role.granted", "token.issued"]


async def test_a_second_start_does_nothing(identity: Identity, admin: Actor, data_dir: Path) -> None:
    """The token file and the ledger stay as they are."""
    before = (data_dir / "admin.token").read_text()
    assert await Bootstrap(identity, data_dir).run() is None
    assert (data_dir / "admin.token").read_text() == before
    assert len(await kinds(identity, admin)) == 4


async def test_api_and_worker_start_at_once(
    database_url: str, clock: FixedClock, signer: Signer, watch: ChangeWatch, data_dir: Path
) -> None:
    """Of several processes that start on an empty database, exactly one makes the admin, and his token works."""
    databases = [Database(database_url) for _ in range(3)]
    starts = [Identity(database, clock, Ledger(database, clock, signer), watch) for database in databases]
    written = await asyncio.gather(*(Bootstrap(start, data_dir).run() for start in starts))
    assert len([path for path in written if path]) == 1
    admin = await starts[0].authenticate((data_dir / "admin.token").read_text().strip())
    assert len(await kinds(starts[0], admin)) == 4
    for database in databases:
        await database.close()


async def test_a_token_file_that_cannot_be_written_undoes_the_start(identity: Identity, tmp_path: Path) -> None:
    """Without its token an admin would be of no use: nothing is kept, and the next start makes it all."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises((OSError, Exception)):
        await Bootstrap(identity, blocked / "data").run()
    assert await Bootstrap(identity, tmp_path / "data").run() is not None


async def test_a_link_in_the_place_of_the_token_file_is_not_followed(identity: Identity, data_dir: Path) -> None:
    """The secret goes to a fresh file; what stood there is kept aside."""
    target = data_dir / "elsewhere"
    target.write_text("kept")
    (data_dir / "admin.token").symlink_to(target)
    await Bootstrap(identity, data_dir).run()
    assert target.read_text() == "kept"
    assert not (data_dir / "admin.token").is_symlink()


async def test_a_server_that_nobody_can_administer_mends_itself_at_start(
    identity: Identity, admin: Actor, data_dir: Path, clock: FixedClock
) -> None:
    """Once every admin's token has expired, the next start issues a new one."""
    clock.advance(91 * DAY)
    path = await Bootstrap(identity, data_dir).run()
    assert path is not None
    renewed = await identity.authenticate(path.read_text().strip())
    assert renewed.principal == "admin"
    assert (await kinds(identity, renewed))[4:] == ["token.issued"]
