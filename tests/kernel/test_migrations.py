"""Whether a database is up to date, told without loading Alembic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import text

from sekisho.kernel.database import Database
from sekisho.kernel.migrations import config, heads, pending, upgrade
from sekisho.kernel.trees import tree


def test_the_heads_are_alembics() -> None:
    """Read from the files, they are what Alembic would say."""
    assert heads(tree("migrations") / "versions") == set(ScriptDirectory.from_config(config()).get_heads())


async def test_a_migrated_database_lacks_nothing(database: Database) -> None:
    """Until its version is an older one."""
    assert not await pending(database)
    async with database.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '20261123_01_kernel'"))
    assert await pending(database)


async def test_an_empty_database_lacks_everything_until_it_is_upgraded(tmp_path: Path) -> None:
    """And a second upgrade changes nothing."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'new.sqlite3'}")
    assert await pending(database)
    await upgrade(database)
    await upgrade(database)
    assert not await pending(database)
    await database.close()


def test_the_api_starts_without_alembic() -> None:
    """Its import takes a third of a second, which a start of the API should not pay."""
    code = "import sys, sekisho.wiring.services, sekisho.http.app; print('alembic' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
