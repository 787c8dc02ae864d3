"""A worker's own PostgreSQL role: it measures and builds to the end, and can write nothing that decides."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from tests.cli.projects import WITH_AGENT, changed, write
from tests.clocks import FixedClock
from tests.conftest import RESET

from sekisho.cli.demo.server import free_port
from sekisho.kernel.database import Base, Database
from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import Invalid
from sekisho.kernel.settings import Settings
from sekisho.ledger.types import Entry
from sekisho.wiring.services import Services, build_services
from sekisho.wiring.tables import load_tables
from sekisho.wiring.worker_role import HIDDEN, WRITES, grant_worker


@pytest.fixture
async def owner(postgres_url: str) -> AsyncIterator[Database]:
    """The tables' owner on an empty database."""
    database = Database(postgres_url)
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(RESET)
    yield database
    await database.close()


@pytest.fixture
async def role(owner: Database) -> AsyncIterator[str]:
    """A role of this test's own, with a worker's rights."""
    name = f"sekisho_worker_{uuid.uuid4().hex[:12]}"
    assert await grant_worker(owner, name, "s3cret'; DROP TABLE jobs; --")
    yield name
    async with owner.engine.begin() as connection:
        await connection.exec_driver_sql(f'DROP OWNED BY "{name}"')
        await connection.exec_driver_sql(f'DROP ROLE "{name}"')


def url_of(owner: Database, role: str) -> str:
    return make_url(owner.url).set(username=role, password=None).render_as_string(hide_password=False)


@pytest.fixture
async def worker(owner: Database, role: str) -> AsyncIterator[Database]:
    database = Database(url_of(owner, role))
    yield database
    await database.close()


@pytest.fixture
async def served(owner: Database, data_dir: Path, clock: FixedClock) -> AsyncIterator[Services]:
    """The API's services, as the owner; something stands in each table that matters."""
    services = build_services(
        Settings(database_url=owner.url.render_as_string(hide_password=False), data_dir=data_dir), clock
    )
    await services.start()
    yield services
    await services.close()


async def refused(database: Database, statement: str, **values: Any) -> str:
    """What PostgreSQL says; the statement must not be carried out."""
    with pytest.raises(DBAPIError) as caught:
        async with database.engine.begin() as connection:
            await connection.execute(text(statement), values)
    said = str(caught.value.orig)
    assert getattr(caught.value.orig, "sqlstate", "") == "42501", said  # insufficient_privilege
    return said


DECIDING = (
    "stage_pointers", "stage_moves", "decisions", "promotions", "approvals", "waivers", "revocations", "roles",
    "principals", "projects", "tokens", "cards", "ledger_checkpoints", "artifact_labels", "alembic_version",
)  # fmt: skip


async def test_nothing_that_decides_can_be_written(worker: Database, served: Services) -> None:
    """Neither inserted, changed, deleted nor emptied, in any table of stages, decisions, people or secrets."""
    async with served.database.read() as tx:
        rows = await tx.execute(text("SELECT table_name, column_name FROM information_schema.columns"))
        columns = {table: column for table, column in rows.all() if table in DECIDING}
    assert columns.keys() == set(DECIDING)
    for table, column in columns.items():
        await refused(worker, f"INSERT INTO {table} DEFAULT VALUES")
        await refused(worker, f"UPDATE {table} SET {column} = {column}")
        await refused(worker, f"DELETE FROM {table}")
        await refused(worker, f"TRUNCATE {table}")
    await refused(worker, "CREATE TABLE mine (id int)")
    await refused(worker, "DROP TRIGGER sekisho_guard_entry ON ledger_entries")
    await refused(worker, "SET session_replication_role = replica")


async def test_every_other_table_is_read_only_too(worker: Database) -> None:
    """A table that nobody opened for workers can be read and not written: also one that a later version adds."""
    load_tables()
    for table in Base.metadata.tables:
        if table not in WRITES:
            await refused(worker, f"DELETE FROM {table}")
            await refused(worker, f"INSERT INTO {table} DEFAULT VALUES")
    assert WRITES.keys() <= Base.metadata.tables.keys()


async def test_secrets_cannot_be_read(worker: Database, served: Services) -> None:
    """Neither the hashes of tokens nor e-mails; the rest of these rows can."""
    for table, hidden in HIDDEN.items():
        for column in hidden:
            await refused(worker, f"SELECT {column} FROM {table}")
        await refused(worker, f"SELECT * FROM {table}")
    async with worker.read() as tx:
        assert (await tx.execute(text("SELECT principal FROM tokens"))).all() == [("admin",)]


async def test_what_was_asked_for_stays(worker: Database) -> None:
    """A run cannot be made one of another version, suite, origin or requester."""
    for column in ("subject", "suite", "dataset", "origin", "principal", "planned", "project", "answers"):
        await refused(worker, f"UPDATE runs SET {column} = {column}")
    await refused(worker, "DELETE FROM runs")
    async with worker.engine.begin() as connection:
        await connection.execute(text("UPDATE runs SET state = state"))


def entry(seq: int, kind: str, **body: str) -> dict[str, Any]:
    """The row of an entry whose bytes say what its columns do."""
    made = Entry(seq, 1, kind, "default", "admin", None, body)
    content = canonical_json(made.content()).decode()
    return {"seq": seq, "kind": kind, "content": content, "leaf": made.leaf().hex()}


APPEND = (
    "INSERT INTO ledger_entries (seq, time, kind, project, principal, content, leaf_hash, subtrees) "
    "VALUES (:seq, 1, :kind, 'default', 'admin', :content, :leaf, '[]')"
)


@pytest.mark.parametrize(
    "kind",
    ["decision.made", "stage.moved", "approval.given", "waiver.granted", "role.granted", "token.issued",
     "card.attested", "run.started", "override.begun", "version.revoked"],
)  # fmt: skip
async def test_the_ledger_takes_no_other_kind_from_a_worker(worker: Database, served: Services, kind: str) -> None:
    """Nor one whose bytes say another kind than its column, nor a registration of anything but an index."""
    async with served.database.read() as tx:
        size = await served.ledger.size(tx)
    assert "may not append" in await refused(worker, APPEND, **entry(size, kind))
    await refused(worker, APPEND, **{**entry(size, kind), "kind": "run.finished"})
    await refused(worker, APPEND, **entry(size, "version.registered", artifact="prompt/ask"))


async def test_the_ledger_is_appended_to_and_not_rewritten(worker: Database, served: Services) -> None:
    """No entry is changed, removed or put elsewhere than at the end, and the head moves by one entry only."""
    async with served.database.read() as tx:
        size = await served.ledger.size(tx)
    await refused(worker, "UPDATE ledger_entries SET content = content")
    await refused(worker, "DELETE FROM ledger_entries")
    await refused(worker, APPEND, **entry(size + 1, "run.finished"))
    for moved in ("size = size - 1", "size = size + 2", "size = size + 1", "origin = 'other'", "size = size"):
        await refused(worker, f"UPDATE ledger_head SET {moved}")
    async with worker.write() as tx:
        await served.ledger.append(tx, kind="run.finished", project="default", principal="admin", body={})
    async with served.database.read() as tx:
        assert await served.ledger.size(tx) == size + 1


async def test_granting_again_takes_back_what_was_given_since(owner: Database, role: str, worker: Database) -> None:
    """Whatever somebody granted by hand meanwhile is gone; the role is not made twice."""
    async with owner.engine.begin() as connection:
        await connection.exec_driver_sql(f'GRANT ALL ON stage_pointers TO "{role}"')
        await connection.exec_driver_sql(f'GRANT UPDATE (to_digest) ON stage_moves TO "{role}"')
    assert await grant_worker(owner, role, None) is False
    await refused(worker, "DELETE FROM stage_pointers")
    await refused(worker, "UPDATE stage_moves SET to_digest = ''")


async def test_a_role_that_could_do_more_is_refused(owner: Database, tmp_path: Path) -> None:
    """The tables' owner, or whoever is one of his, cannot be held to less; and SQLite has no roles."""
    with pytest.raises(Invalid, match="may do more"):
        await grant_worker(owner, str(owner.url.username), None)
    sqlite = Database(f"sqlite+aiosqlite:///{tmp_path / 'x.sqlite3'}")
    with pytest.raises(Invalid, match="SQLite has no roles"):
        await grant_worker(sqlite, "worker", None)
    await sqlite.close()


class Processes:
    """An API as the owner and a worker as its role, each a process of its own; what they say goes to files."""

    def __init__(self, folder: Path, url: str, worker_url: str) -> None:
        mine = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
        port = str(free_port("127.0.0.1", 0, exactly=False))
        self.environment = {**mine, "SEKISHO_DATA_DIR": str(folder), "SEKISHO_PORT": port, "SEKISHO_DATABASE_URL": url}
        self.folder, self.worker_url = folder, worker_url
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        for name, more in (("serve", {}), ("worker", {"SEKISHO_DATABASE_URL": self.worker_url})):
            with (self.folder / f"{name}.log").open("wb") as log:
                command = [sys.executable, "-m", "sekisho.cli", name]
                environment = {**self.environment, **more}
                self._running.append(subprocess.Popen(command, env=environment, cwd=self.folder, stderr=log))

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(60)

    async def say(self, *words: str, cwd: Path) -> Any:
        """What a command prints as JSON."""
        command = [sys.executable, "-m", "sekisho.cli", *words, "--json"]
        done = await asyncio.to_thread(
            subprocess.run, command, env=self.environment, cwd=cwd, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode() + (self.folder / "worker.log").read_text()[-4000:]
        return json.loads(done.stdout)


@pytest.fixture
def processes(owner: Database, role: str, data_dir: Path) -> Iterator[Processes]:
    found = Processes(data_dir, owner.url.render_as_string(hide_password=False), url_of(owner, role))
    yield found
    found.stop()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_worker_with_only_that_role_works_to_the_end(processes: Processes, tmp_path: Path) -> None:
    """It builds and registers an index, verifies it, measures a suite, and the ledger holds with all of it."""
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, changed(WITH_AGENT, "index.pages.retriever", {"mode": "hybrid", "rrf_k": 10}))
    processes.start()
    async with asyncio.timeout(120):
        while not (processes.folder / "admin.token").exists():
            await asyncio.sleep(0.1)
    made = await processes.say("apply", "sekisho.yaml", "--author", "Ada", cwd=folder)
    assert "agent/helper" in {one["label"] for one in made["versions"]}
    assert await processes.say("index", "verify", "index/pages", cwd=folder)
    found = await processes.say("eval", "agent/helper", "--suite", "suite/finding", cwd=folder)
    assert json.dumps(found).count('"finished"') >= 1
    assert (await processes.say("ledger", "verify", cwd=folder))["problems"] == []
    assert "permission denied" not in (processes.folder / "worker.log").read_text()
