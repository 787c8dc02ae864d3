"""Alembic's environment: runs on the connection it is given, or on the database of Sekisho's settings."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from alembic import context
from sqlalchemy import Connection

from sekisho.kernel.database import Base, Database
from sekisho.kernel.settings import load_settings
from sekisho.wiring.tables import load_tables

load_tables()


def run(connection: Connection) -> None:
    """Compare and migrate in batch mode, since SQLite alters a table by rebuilding it."""
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def connect() -> None:
    settings, _ = load_settings(os.environ, Path.cwd())
    database = Database(settings.database)
    async with database.engine.begin() as connection:
        await connection.run_sync(run)
    await database.close()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(connect())
