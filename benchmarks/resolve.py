"""What `resolve` bears: an agent at a stage, asked for by eight connections at once.

The anchor is MLflow's tracking server (2 workers, SQLite), asked for a model by its alias on such a machine.
"""

from __future__ import annotations

import asyncio
import http.client
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.gate.seeded import seed as seed_pointer
from tests.registry.manifests import register_agent

from benchmarks.figures import Figure
from benchmarks.load import CONNECTIONS, Load, Plan, load
from benchmarks.server import Server, cpu_s, free_port, opened, running, scratch, serving, settings_of, wait_for
from sekisho.kernel.references import Kind, Number, Reference

TITLE: Final = f"resolve agent/docs@production, {CONNECTIONS} connections"
LIMIT_S: Final = 120
ANCHOR_RATE: Final = 150
ANCHOR_MS: Final = 115
AIM: Final = 40
ROUNDS: Final = 5
PATH: Final = "/v1/projects/default/resolve/agent/docs?selector=production"


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        asyncio.run(seed(folder))
        with bare_server(folder) as bare, serving(folder) as server:
            token = {"Authorization": f"Bearer {server.token}"}
            whole = Asked(server.pid, Plan(server.port, PATH, token))
            same = Asked(server.pid, Plan(server.port, PATH, {**token, "If-None-Match": etag(server)}, status=304))
            for _ in range(ROUNDS):  # in turns, so that whatever else the machine does falls on all of them
                for asked in (bare, whole, same):
                    asked.again()
    yield Figure("a GET that does nothing, bare Litestar", bare.rate, bare.times)
    anchor = f"MLflow {ANCHOR_RATE}/s, {ANCHOR_MS} ms; aim {AIM} ×"
    for what, seen in (("whole answer", whole), ("unchanged (If-None-Match)", same)):
        yield Figure(what, seen.rate, f"{seen.times}; {anchor}", f"{seen.median('rate') / ANCHOR_RATE:.0f} × MLflow")
        ratio = statistics.median(ours.rate / least.rate for ours, least in zip(seen.loads, bare.loads, strict=True))
        yield Figure("", "", "of bare Litestar", f"{ratio:.2f}")
        yield Figure(
            "processor time of one", seen.cost, f"bare Litestar: {bare.cost}", f"{seen.cpu_us / bare.cpu_us:.2f}"
        )


@dataclass
class Asked:
    """One question to one server, asked in several rounds."""

    pid: int
    plan: Plan
    loads: list[Load] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def again(self) -> None:
        before = cpu_s([self.pid])
        seen = load(self.plan)
        self.loads.append(seen)
        self.cpu.append((cpu_s([self.pid]) - before) / (seen.rate * (self.plan.warm_up_s + self.plan.measured_s)))

    def median(self, name: str) -> float:
        found: list[float] = [getattr(seen, name) for seen in self.loads]
        return statistics.median(found)

    @property
    def rate(self) -> str:
        return f"{self.median('rate'):,.0f}/s"

    @property
    def times(self) -> str:
        return f"p50 {self.median('p50_ms'):.2f} ms, p99 {self.median('p99_ms'):.2f} ms"

    @property
    def cpu_us(self) -> float:
        """Microseconds of the server's processor time for one answer, near enough: warming up goes at the same rate."""
        return statistics.median(self.cpu) * 1e6

    @property
    def cost(self) -> str:
        return f"{self.cpu_us:.0f} µs"


@contextmanager
def bare_server(folder: Path) -> Iterator[Asked]:
    port = free_port()
    with running([sys.executable, "-m", "benchmarks.bare", str(port)], folder, {}) as process:
        wait_for(port, process)
        yield Asked(process.pid, Plan(port, "/healthz"))


async def seed(folder: Path) -> None:
    """Register an agent and all that it is made of, and let production serve it."""
    services, admin = await opened(settings_of(folder))
    try:
        await register_agent(services.registry, admin)
        await seed_pointer(services, Reference("default", Kind.AGENT, "docs", Number(1)), "production")
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
