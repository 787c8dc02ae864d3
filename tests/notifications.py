"""Waits until a process has heard of everything that was committed before now."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from sqlalchemy import text

from sekisho.kernel.database import CHANNEL, ChangeWatch, Database


async def heard(database: Database, watch: ChangeWatch) -> None:
    """PostgreSQL tells a listener of commits in their order, so one of our own comes after all that went before.

    SQLite's marker needs no telling.
    """
    if database.is_sqlite:
        return
    mark, arrived = uuid4().hex, asyncio.Event()

    def listener(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        if payload == mark:
            arrived.set()

    connection = watch._postgres
    await connection.add_listener(CHANNEL, listener)
    async with database.write() as tx:
        await tx.execute(text("SELECT pg_notify(:channel, :mark)"), {"channel": CHANNEL, "mark": mark})
    await asyncio.wait_for(arrived.wait(), 10)
    await connection.remove_listener(CHANNEL, listener)
