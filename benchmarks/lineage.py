"""The closure of a version that is made from ten thousand others, read for one decision, on each database.

The graph is ten levels deep. Each node is made from one of the next level, every second one from another besides, and
all are written into the tables as registering would: real manifests under their own digests.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table, insert
from sqlalchemy.engine import make_url

from benchmarks.figures import Figure, against, median_ms
from benchmarks.gate import SERVICES
from benchmarks.server import scratch
from sekisho.gate.facts import node_of
from sekisho.kernel.database import Database
from sekisho.kernel.digests import canonical_json, digest_of_bytes
from sekisho.kernel.migrations import upgrade
from sekisho.registry.lineage import closure
from sekisho.registry.rows import ArtifactRow, EdgeRow, VersionRow
from sekisho.registry.types import Closure
from sekisho.wiring.garbage import settle_garbage

TITLE: Final = "Lineage of 10,000 versions"
LIMIT_S: Final = 180
NODES: Final = 10_000
LEVELS: Final = 10
ROUNDS: Final = 10
LIMIT_MS: Final = 200.0
AT_ONCE: Final = 1_000


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        yield from asyncio.run(on_sqlite(folder))
    url = postgres_url()
    if url:
        yield from asyncio.run(on_postgres(url))
    else:
        yield Figure("PostgreSQL", "not measured", "`make services` starts one")


async def on_sqlite(folder: Path) -> list[Figure]:
    return await measured("SQLite", f"sqlite+aiosqlite:///{folder / 'lineage.sqlite3'}")


async def on_postgres(url: str) -> list[Figure]:
    async with database_of_its_own(url) as own:
        return await measured("PostgreSQL", own)


async def measured(what: str, url: str) -> list[Figure]:
    database = Database(url)
    try:
        await upgrade(database)
        root = await fill(database)
        settle_garbage()  # as `sekisho serve` does
        walls, cpus, facts = [], [], []
        for _ in range(ROUNDS):
            start, cpu = time.perf_counter(), time.process_time()
            async with database.read() as tx:
                found = await closure(tx, "default", root)
            walls.append(time.perf_counter() - start)
            cpus.append(time.process_time() - cpu)
            start = time.perf_counter()
            check(found, [node_of(version) for version in found.nodes.values()])
            facts.append(time.perf_counter() - start)
        return figures(what, walls, cpus, facts)
    finally:
        await database.close()


def check(found: Closure, nodes: list[Any]) -> None:
    if len(nodes) != NODES or found.missing or any(node.integrity != "verified" for node in nodes):
        raise RuntimeError(f"the closure has {len(nodes)} nodes, and {len(found.missing)} are missing")


def figures(what: str, walls: list[float], cpus: list[float], facts: list[float]) -> list[Figure]:
    best, work = min(walls) * 1000, min(cpus) * 1000
    beside = f"median {median_ms(walls):.0f} ms"
    return [
        Figure(f"{what}: closure, best of {ROUNDS}", f"{best:.0f} ms", beside, against(best, LIMIT_MS, "ms")),
        Figure(f"{what}: … of which processor time here", f"{work:.0f} ms", "", against(work, LIMIT_MS, "ms")),
        Figure(f"{what}: each node hashed again for the rules", f"{min(facts) * 1000:.0f} ms", "on top"),
    ]


async def fill(database: Database) -> str:
    """The whole graph under one root; gives the root's digest."""
    versions, edges, below = [], [], list[str]()
    for level in range(LEVELS, -1, -1):
        count = 1 if level == 0 else (NODES - 1) // LEVELS + (1 if level <= (NODES - 1) % LEVELS else 0)
        made = [version(level, number) for number in range(count)]
        here = [row["digest"] for row in made]
        edges += [edge(parent, child) for place, parent in enumerate(here) for child in children(level, place, below)]
        versions += made
        below = here
    await write(database, versions, edges)
    return below[0]


def children(level: int, place: int, below: list[str]) -> list[str]:
    if level == 0:
        return below
    if not below:
        return []
    return sorted({below[(place + step) % len(below)] for step in ((0, 7) if place % 2 else (0,))})


def version(level: int, number: int) -> dict[str, Any]:
    text = f"{level}/{number}: answer from {{{{ context }}}}, and say so where it does not tell."
    manifest = {"schema": "sekisho.prompt/v1", "template": [{"role": "system", "content": text}], "variables": []}
    content = canonical_json(manifest)
    return {
        "id": str(uuid.uuid4()), "artifact_id": "artifact", "project": "default", "digest": digest_of_bytes(content),
        "number": level * NODES + number + 1, "manifest": content.decode(), "author": "Ada <ada@example.org>",
        "created_at": 1_790_000_000_000, "archived_at": None, "revoked": False,
    }  # fmt: skip


def edge(parent: str, child: str) -> dict[str, str]:
    return {"project": "default", "from_digest": parent, "role": "prompt", "to_digest": child}


async def write(database: Database, versions: list[dict[str, Any]], edges: list[dict[str, str]]) -> None:
    artifact = {
        "id": "artifact", "project": "default", "kind": "prompt", "name": "many", "created_at": 1,
        "archived_at": None, "versions": NODES, "latest": NODES,
    }  # fmt: skip
    async with database.write() as tx:
        for row, rows in ((ArtifactRow, [artifact]), (VersionRow, versions), (EdgeRow, edges)):
            table = row.__table__
            assert isinstance(table, Table)
            for start in range(0, len(rows), AT_ONCE):
                await tx.execute(insert(table), rows[start : start + AT_ONCE])


@asynccontextmanager
async def database_of_its_own(server: str) -> AsyncIterator[str]:
    """A database on this server that is gone afterwards."""
    import asyncpg

    url, name = make_url(server), f"sekisho_bench_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()


def postgres_url() -> str:
    """The server that the tests use; empty where there is none."""
    found = os.environ.get("SEKISHO_TEST_POSTGRES_URL", "")
    lines = SERVICES.read_text().splitlines() if SERVICES.is_file() else []
    return found or dict(line.partition("=")[::2] for line in lines).get("SEKISHO_TEST_POSTGRES_URL", "")
