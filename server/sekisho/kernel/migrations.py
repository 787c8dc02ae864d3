"""Bringing a database's schema up to date, and telling whether it is."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import create_async_engine

from sekisho.kernel.database import Database
from sekisho.kernel.trees import tree


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
    alembic = config()
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, "head")
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration would leave rows that point nowhere: {broken[:5]}")


def _pending(connection: Connection) -> bool:
    heads = set(ScriptDirectory.from_config(config()).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) != heads
