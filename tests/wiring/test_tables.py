"""Migrations and rows say the same."""

from __future__ import annotations

from sqlalchemy import text

from sekisho.kernel.database import Database
from sekisho.wiring.tables import schema_differences


async def test_migrations_make_exactly_the_tables_of_the_rows(database: Database) -> None:
    """On both databases: every table, column, type and index, and none more."""
    assert await schema_differences(database) == ()


async def test_a_difference_is_named(database: Database) -> None:
    """A table that nobody declared, and an index that is gone."""
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE stray (id INTEGER)"))
        await tx.execute(text("DROP INDEX ix_jobs_state_created_at"))
    found = await schema_differences(database)
    assert "remove_table stray" in found
    assert any(line.startswith("add_index ix_jobs_state_created_at") for line in found)
