"""What every test may ask for: a clock, a migrated database of each kind, a data folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import hypothesis
import pytest
import structlog
from sqlalchemy.engine import make_url

from sekisho.kernel.database import Database
from sekisho.kernel.migrations import upgrade
from sekisho.kernel.settings import Settings
from tests.clocks import FixedClock

if TYPE_CHECKING:
    from sekisho.wiring.services import Services
    from tests.api_client import ApiClient

SERVICES_FILE = Path(__file__).parents[1] / ".services" / "env"


def _load_services_file() -> None:
    """Take the addresses that `make services` wrote; what already stands in the environment wins."""
    if SERVICES_FILE.is_file():
        for line in SERVICES_FILE.read_text().splitlines():
            name, equals, value = line.partition("=")
            if equals:
                os.environ.setdefault(name.strip(), value.strip())


_load_services_file()
# To the standard library, so that pytest shows a failed test its logs; structlog's own default draws every traceback
# with all its variables, which takes seconds.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
os.environ["RUST_BACKTRACE"] = "0"
# A busy machine is no finding: examples may take their time.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def service_url(variable: str) -> str:
    """The address of a real service; skips where there is none, and fails where services are required."""
    url = os.environ.get(variable, "")
    if not url:
        if os.environ.get("SEKISHO_REQUIRE_SERVICES") == "1":
            pytest.fail(f"{variable} is not set, and SEKISHO_REQUIRE_SERVICES=1: run `make services`")
        pytest.skip(f"{variable} is not set: run `make services`")
    return url


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end from session fixtures, which may be asked for while a test's loop runs."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"

    async def build() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}")
        await upgrade(database)
        async with database.write():
            pass
        await database.close()

    _run(build())
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of this process's own migrated PostgreSQL database, which every test finds as if it were fresh.

    Making a database for each test took over a second; emptying one takes milliseconds.
    """
    server = make_url(service_url("SEKISHO_TEST_POSTGRES_URL"))
    name = f"sekisho_test_{uuid.uuid4().hex[:12]}"
    _run(_postgres(server.render_as_string(hide_password=False), f'CREATE DATABASE "{name}"'))
    url = server.set(database=name).render_as_string(hide_password=False)

    async def build() -> None:
        database = Database(url)
        await upgrade(database)
        await database.close()

    _run(build())
    _run(_postgres(url, KEEP_SEEDS))
    yield url
    _run(_postgres(server.render_as_string(hide_password=False), f'DROP DATABASE "{name}" WITH (FORCE)'))


KEEP_SEEDS = """
CREATE SCHEMA seeds;
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TABLE seeds.%I AS SELECT * FROM public.%I', name, name);
  END LOOP;
END $$;
"""
"""Remember what the migrations themselves wrote."""

RESET = """
DO $$ DECLARE name text; BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend';
  SET LOCAL session_replication_role = replica;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    IF EXISTS (SELECT FROM pg_tables WHERE schemaname = 'seeds' AND tablename = name) THEN
      EXECUTE format('DELETE FROM public.%I', name);
      EXECUTE format('INSERT INTO public.%I SELECT * FROM seeds.%I', name, name);
    ELSE
      EXECUTE format('DROP TABLE public.%I CASCADE', name);
    END IF;
  END LOOP;
END $$;
"""
"""Leave only that: rows and tables of the test before go, and so do connections that it forgot."""


async def _postgres(url: str, statement: str) -> None:
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """URL of a fresh, migrated, empty database; each test that asks runs once per kind of database."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "sekisho.sqlite3"
        shutil.copyfile(template, path)
        yield f"sqlite+aiosqlite:///{path}"
        return
    url: str = request.getfixturevalue("postgres_url")
    await _postgres(url, RESET)
    yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def services(database_url: str, data_dir: Path, clock: FixedClock) -> AsyncIterator[Services]:
    """The product's services as an API process has them, started, on this test's own database and folder."""
    from sekisho.wiring.services import build_services

    services = build_services(Settings(database_url=database_url, data_dir=data_dir), clock)
    await services.start()
    yield services
    await services.close()


@pytest.fixture
async def api(services: Services) -> AsyncIterator[ApiClient]:
    """The application on `services`, spoken to over HTTP; `await api.role("author")` gives an author's headers."""
    from sekisho.http.app import create_app
    from tests.api_client import ApiClient

    async with ApiClient(create_app(services), services) as client:
        yield client
