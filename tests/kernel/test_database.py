"""Transactions: whole or not at all, and no update lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

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


async def test_a_change_is_heard_by_another_process_view(database: Database) -> None:
    """The watch's marker differs after a commit on another connection."""
    watch = ChangeWatch(database)
    await watch.start()
    before = watch.marker()
    assert before is not None
    async with database.write() as tx:
        await tx.execute(text("CREATE TABLE counter (n INTEGER)"))
        await database.announce(tx)
    for _ in range(100):
        if watch.marker() != before:
            break
        await asyncio.sleep(0.02)
    assert watch.marker() != before
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
        async with asyncio.timeout(5):
            await write()
