"""Bringing a database's schema up to date, and telling whether it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from sekisho.kernel.database import Database
from sekisho.kernel.trees import tree

if TYPE_CHECKING:
    from alembic.config import Config

_REVISION: Final = re.compile(r'^(revision|down_revision) = "([^"]+)"$', re.MULTILINE)


async def upgrade(database: Database) -> None:
    """Apply every migration that is missing. Safe to call again.

    On SQLite foreign keys are off while tables are rebuilt (set before BEGIN, since inside one it does nothing)
    and checked at the end; the migration rolls back where the check finds a broken row.
    """
    engine = create_async_engine(database.url)
    if database.is_sqlite:
        event.listen(engine.sync_engine, "connect", _migration_connect)
        event.listen(engine.sync_engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def pending(database: Database) -> bool:
    """Whether migrations of this version of Sekisho are missing in the database."""
    async with database.read() as tx:
        connection = await tx.connection()
        return await connection.run_sync(_pending)


def config() -> Config:
    """Alembic's configuration, pointing at the tree of migrations in use."""
    from alembic.config import Config  # a third of a second of start-up that only those who migrate should pay

    alembic = Config(str(tree("alembic.ini")))
    alembic.set_main_option("script_location", str(tree("migrations")))
    return alembic


def _migration_connect(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()


def _upgrade(connection: Connection) -> None:
    from alembic import command

    alembic = config()
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, "head")
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration would leave rows that point nowhere: {broken[:5]}")


def _pending(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return True
    applied = set(connection.scalars(text("SELECT version_num FROM alembic_version")))
    return applied != heads(tree("migrations") / "versions")


def heads(folder: Path) -> set[str]:
    """The revisions that no other one follows, as the folder's files say: Alembic's answer without Alembic."""
    named = [_REVISION.findall(path.read_text("utf-8")) for path in sorted(folder.glob("*.py"))]
    every = {value for found in named for what, value in found if what == "revision"}
    return every - {value for found in named for what, value in found if what == "down_revision"}
