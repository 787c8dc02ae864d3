"""Transactions: whole or not at all, and no update lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.notifications import heard

from sekisho.kernel.database import ChangeWatch, Database
from sekisho.kernel.errors import Unavailable


async def count(database: Database) -> int:
    async with database.read() as tx:
        return int(await tx.scalar(text("SELECT n FROM counter")) or 0)


async def test_concurrent_writers_lose_nothing(database: Database) -> None:
    """Forty read-modify-writes at once add up to forty."""
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE counter (n INTEGER)"))
        await tx.execute(text("INSERT INTO counter VALUES (0)"))

    async def add() -> None:
        async with database.write() as tx:
            lock = "" if database.is_sqlite else " FOR UPDATE"
            n = await tx.scalar(text("SELECT n FROM counter" + lock))
            await asyncio.sleep(0)
            await tx.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    await asyncio.gather(*(add() for _ in range(40)))
    assert await count(database) == 40


async def test_an_exception_leaves_nothing_behind(database: Database) -> None:
    """What was written before it is rolled back with it."""
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE counter (n INTEGER)"))

    async def fail() -> None:
        async with database.write() as tx:
            await tx.execute(text("INSERT INTO counter VALUES (1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count(database) == 0


async def test_a_change_is_known_at_once_here_and_heard_elsewhere(database: Database, database_url: str) -> None:
    """The marker differs after an announced commit: at once in this process, and in another one when it is told."""
    elsewhere = Database(database_url)
    watches = [ChangeWatch(database), ChangeWatch(elsewhere)]
    for watch in watches:
        await watch.start()
    before = [watch.marker() for watch in watches]
    assert None not in before
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE counter (n INTEGER)"))
        await database.announce(tx)
    assert watches[0].marker() != before[0]
    await heard(elsewhere, watches[1])
    assert watches[1].marker() != before[1]
    for watch in watches:
        await watch.close()
    await elsewhere.close()


async def test_what_was_not_committed_changes_nothing(database: Database) -> None:
    """An announced write that is rolled back makes nobody forget, where only announcements count."""
    watch = ChangeWatch(database)
    await watch.start()
    before = watch.marker()

    async def fail() -> None:
        async with database.write() as tx:
            await database.announce(tx)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await heard(database, watch)  # on PostgreSQL a commit of its own, the only one that is told
    assert before is not None
    assert watch.marker() == before + (0 if database.is_sqlite else 1)
    await watch.close()


async def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    """An unreachable server and a folder that is none are 503 to the caller, not crashes."""
    (tmp_path / "file").write_text("")
    for url in ("postgresql+asyncpg://nobody@127.0.0.1:1/none", f"sqlite+aiosqlite:///{tmp_path}"):
        database = Database(url)
        with pytest.raises(Unavailable):
            async with database.read() as tx:
                await tx.execute(text("SELECT 1"))
        await database.close()


async def test_a_cancelled_write_keeps_nobody_out(database: Database) -> None:
    """Wherever a write is cancelled, while what it raised is still held, the next one goes through at once."""
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE counter (n INTEGER)"))

    async def write() -> None:
        async with database.write() as tx:
            await tx.execute(text("SELECT n FROM counter"))
            await tx.execute(text("INSERT INTO counter VALUES (1)"))

    held: list[object] = []
    for attempt in range(112):
        task = asyncio.create_task(write())
        for _ in range(attempt % 14):
            await asyncio.sleep(0)
        await asyncio.sleep(attempt % 8 * 0.0005)
        task.cancel()
        held += await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(30):
            await write()
