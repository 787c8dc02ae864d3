"""The database engine and its two kinds of transaction: `read` and `write`.

SQLite is run in WAL with an explicit BEGIN; writers take the lock at once (BEGIN IMMEDIATE), since a deferred
transaction that upgrades loses updates or fails late. PostgreSQL goes through asyncpg. Nothing slow is awaited
inside a write: read, decide, then compare-and-set in a short write.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import BigInteger, MetaData, Text, TypeDecorator, event, text
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import Invalid, Unavailable
from sekisho.kernel.json import decode_json

Transaction = AsyncSession
"""What services pass to stores. Only stores look inside."""

CHANNEL: Final = "sekisho_changed"
_BUSY: Final = ("SQLITE_BUSY", "SQLITE_FULL", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")


class CanonicalJson(TypeDecorator[Any]):
    """A JSON value kept as RFC 8785 text, so that both databases keep the very same characters."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else decode_json(value.encode())


class Base(DeclarativeBase):
    """Base of every row class. Rows never leave the ``store.py`` that declares them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: BigInteger()}  # noqa: RUF012


async def each(tx: Transaction, query: Any) -> AsyncIterator[Any]:
    """Every row of a query, a few at a time, however many there are."""
    async for row in await tx.stream(query.execution_options(yield_per=100)):
        yield row


def _sqlite_connect(connection: Any, _record: Any) -> None:
    """Set what a fresh SQLite connection needs.

    ``isolation_level=None`` stops the driver from opening transactions of its own; WAL lets readers go on while
    one writes; foreign keys are off by default in SQLite; the busy timeout bounds the wait for another process.
    Without secure_delete what was erased would stay readable in the file's free pages.
    """
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_invalidate(connection: Any, _record: Any, _error: Any) -> None:
    """Roll back what a cancelled statement leaves, ahead of the close that follows, in the connection's own thread.

    A sqlite3 connection that is closed while one of its cursors lives stays open underneath, and so does its
    transaction: a cancelled write would keep everybody's writes out until the garbage collector comes by.
    """
    driver = connection.driver_connection
    if (raw := driver._connection) is not None:
        driver._tx.put_nowait((None, raw.rollback))


def _sqlite_begin(connection: Any) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


class Database:
    """One database, by URL: ``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/name``."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.url.drivername not in {"sqlite+aiosqlite", "postgresql+asyncpg"}:
            raise Invalid(
                f"no database driver {self.url.drivername!r}",
                remedy="use sqlite+aiosqlite:///<path> or postgresql+asyncpg://<user>@<host>/<name>",
            )
        self.is_sqlite = self.url.drivername.startswith("sqlite")
        if self.is_sqlite:
            Path(self.url.database or "").parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_async_engine(self.url)
            event.listen(self.engine.sync_engine, "connect", _sqlite_connect)
            event.listen(self.engine.sync_engine, "begin", _sqlite_begin)
            event.listen(self.engine.sync_engine, "invalidate", _sqlite_invalidate)
        else:
            self.engine = create_async_engine(self.url, pool_size=10, max_overflow=10, pool_pre_ping=True)
        self._outages = _outages(() if self.is_sqlite else _postgres_outages())
        self.announced = 0
        """Commits of this process that were announced: it need not wait to be told of its own."""
        self._writer: AsyncEngine = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        # One writer of this process at a time: without it SQLite's own lock is polled, unfairly and slowly.
        self._write_lock: asyncio.Lock | None = asyncio.Lock() if self.is_sqlite else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A consistent snapshot; nothing written in it is kept. Raises `Unavailable`."""
        with self._outages:
            async with AsyncSession(self.engine, expire_on_commit=False) as session:
                if not self.is_sqlite:
                    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """A transaction that is committed at the end, or rolled back whole on any exception. Raises `Unavailable`."""
        if self._write_lock is None:
            async with self._write() as session:
                yield session
            return
        async with self._write_lock, self._write() as session:
            yield session

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[Transaction]:
        with self._outages:
            async with AsyncSession(self._writer, expire_on_commit=False) as session:
                async with session.begin():
                    yield session
                self.announced += session.info.get(CHANNEL, 0)

    async def ping(self) -> None:
        """Ask the database for an answer. Raises `Unavailable` where none comes."""
        async with self.read() as tx:
            await tx.execute(text("SELECT 1"))

    async def announce(self, tx: Transaction) -> None:
        """Tell every process, on commit, that what they remember may be out of date (see `ChangeWatch`)."""
        if not self.is_sqlite:
            await tx.execute(text(f"SELECT pg_notify('{CHANNEL}', '')"))
            tx.info[CHANNEL] = 1

    async def close(self) -> None:
        await self.engine.dispose()


def insert_of(tx: Transaction) -> Any:
    """The ``insert`` of the transaction's own dialect, which knows ``on_conflict_do_nothing``. Only one is loaded."""
    if tx.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert


class _outages:  # noqa: N801  # reads as a word at its one use
    """Turns a database that is busy, full or away into `Unavailable`; every other error passes as it is.

    `drivers` are a driver's own errors that say so.
    """

    def __init__(self, drivers: tuple[type[BaseException], ...]) -> None:
        self._away: tuple[type[BaseException], ...] = (OSError, *drivers)

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, self._away):
            raise _unavailable(str(error)) from error
        if not isinstance(error, DBAPIError):
            return
        name = getattr(error.orig, "sqlite_errorname", "")
        away = isinstance(error, (OperationalError, InterfaceError)) and not name
        if name.startswith(_BUSY) or away or error.connection_invalidated:
            raise _unavailable(str(error.orig)) from error


def _postgres_outages() -> tuple[type[BaseException], ...]:
    import asyncpg  # not loaded where SQLite is used

    return (asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(
        f"the database did not take the request: {reason}; nothing was written",
        remedy="try again; if it goes on, look at the disk's free space and at /readyz",
    )


class ChangeWatch:
    """Says cheaply whether any process has committed since: `marker` differs after each commit that matters.

    On SQLite it is ``PRAGMA data_version`` of a dedicated connection (2.4 microseconds; sees every other
    connection's commits, other processes' too). On PostgreSQL it counts what `Database.announce` tells: this
    process's own commits at once, all others when their notification arrives, in milliseconds. While the listening
    connection is down the marker is None, which means: remember nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sqlite: sqlite3.Connection | None = None
        self._postgres: Any = None
        self._count = 0
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self._database.is_sqlite:
            self._sqlite = sqlite3.connect(
                self._database.url.database or "", check_same_thread=False, isolation_level=None
            )
        else:
            await self._listen()
            self._keeper = asyncio.create_task(self._keep_listening())

    def marker(self) -> int | None:
        """A number that changes after each commit that matters, or None where that cannot be known."""
        if self._sqlite is not None:
            row = self._sqlite.execute("PRAGMA data_version").fetchone()
            return int(row[0])
        if self._postgres is None or self._postgres.is_closed():
            return None
        return self._count + self._database.announced

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        if self._sqlite is not None:
            self._sqlite.close()
        if self._postgres is not None:
            await self._postgres.close()

    async def _listen(self) -> None:
        import asyncpg

        url = self._database.url.set(drivername="postgresql")
        connection = await asyncpg.connect(url.render_as_string(hide_password=False))
        await connection.add_listener(CHANNEL, self._heard)
        self._count += 1
        self._postgres = connection

    def _heard(self, *_: object) -> None:
        self._count += 1

    async def _keep_listening(self) -> None:
        import asyncpg

        while True:
            await asyncio.sleep(1)
            if self._postgres is None or self._postgres.is_closed():
                try:
                    await self._listen()
                except (OSError, asyncpg.PostgresError):
                    self._postgres = None
