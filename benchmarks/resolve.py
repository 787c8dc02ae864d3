"""What `resolve` bears: an agent at a stage, asked for by eight connections at once.

The anchor is MLflow's tracking server (2 workers, SQLite), asked for a model by its alias on such a machine.
"""

from __future__ import annotations

import asyncio
import http.client
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.registry.manifests import register_agent

from benchmarks.figures import Figure
from benchmarks.load import CONNECTIONS, Load, Plan, load
from benchmarks.server import Server, free_port, opened, running, scratch, serving, settings_of, wait_for
from sekisho.kernel.references import Kind, Number, Reference

TITLE: Final = f"resolve agent/docs@production, {CONNECTIONS} connections"
LIMIT_S: Final = 120
ANCHOR_RATE: Final = 150
ANCHOR_MS: Final = 115
AIM: Final = 40
PATH: Final = "/v1/projects/default/resolve/agent/docs?selector=production"


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        bare = bare_limit(folder)
        yield Figure("a GET that does nothing, bare Litestar", *rate(bare))
        asyncio.run(seed(folder))
        with serving(folder) as server:
            token = {"Authorization": f"Bearer {server.token}"}
            whole = load(Plan(server.port, PATH, token))
            same = load(Plan(server.port, PATH, {**token, "If-None-Match": etag(server)}, status=304))
    anchor = f"MLflow {ANCHOR_RATE}/s, {ANCHOR_MS} ms; aim {AIM} ×"
    for what, seen in (("whole answer", whole), ("unchanged (If-None-Match)", same)):
        value, times = rate(seen)
        yield Figure(what, value, f"{times}; {anchor}", f"{seen.rate / ANCHOR_RATE:.0f} × MLflow")
        yield Figure("", "", "of bare Litestar", f"{seen.rate / bare.rate:.2f}")


def rate(seen: Load) -> tuple[str, str]:
    return f"{seen.rate:,.0f}/s", f"p50 {seen.p50_ms:.2f} ms, p99 {seen.p99_ms:.2f} ms"


def bare_limit(folder: Path) -> Load:
    port = free_port()
    with running([sys.executable, "-m", "benchmarks.bare", str(port)], folder, {}) as process:
        wait_for(port, process)
        return load(Plan(port, "/healthz"))


async def seed(folder: Path) -> None:
    """Register an agent and all that it is made of, and let production serve it."""
    services, admin = await opened(settings_of(folder))
    try:
        await register_agent(services.registry, admin)
        async with services.database.write() as tx:
            version = await services.registry.find(tx, Reference("default", Kind.AGENT, "docs", Number(1)))
            await services.registry.move_pointer(
                tx, version=version, stage="production", expected=None, decision_id="seeded", principal="admin"
            )
            await services.database.announce(tx)
    finally:
        await services.close()


def etag(server: Server) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", PATH, headers={"Authorization": f"Bearer {server.token}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"resolve answered {response.status}")
    return response.headers["ETag"]
