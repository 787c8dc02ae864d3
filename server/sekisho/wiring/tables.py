"""Every room's rows, so that the metadata is whole when migrations look at it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from sekisho.kernel.database import Base, Database

ROOMS: Final = (
    "kernel",
    "ledger",
    "ledger.pushing",
    "identity",
    "registry",
    "inference",
    "indexing",
    "evaluation",
    "evaluation.judges",
    "evidence",
    "evidence.overlap",
    "gate",
    "gate.decision_logs",
    "gate.governing",
)


def load_tables() -> None:
    """Import each room's ``store``, which declares its rows."""
    for room in ROOMS:
        if find_spec(f"sekisho.{room}") and find_spec(f"sekisho.{room}.store"):
            import_module(f"sekisho.{room}.store")


async def schema_differences(database: Database) -> tuple[str, ...]:
    """What Alembic would have to change in the database for it to hold exactly our rows; empty where nothing."""
    load_tables()
    async with database.read() as tx:
        connection = await tx.connection()
        return await connection.run_sync(_differences)


def _differences(connection: Connection) -> tuple[str, ...]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    changes = compare_metadata(context, Base.metadata)
    # Changes of one column come as a list of tuples, all others as a tuple; each begins with its kind.
    parts = [part for change in changes for part in (change if isinstance(change, list) else [change])]
    return tuple(" ".join(filter(None, map(_word, part))) for part in parts)


def _word(part: object) -> str:
    """A name where the part has one: tables, columns, indexes and constraints do, and None does not."""
    return part if isinstance(part, str) else str(getattr(part, "name", None) or "")
