"""What a CI job waits for: one prompt registered, one agent promoted, over REST on SQLite.

The anchor is MLflow's register, three calls of its client against its tracking server on SQLite.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.registry.manifests import agent, prompt, register_agent

from benchmarks.figures import Figure, median_ms
from benchmarks.server import opened, scratch, serving, settings_of
from sekisho.client.connection import Connection

TITLE: Final = "Registering a prompt and promoting an agent, over REST"
LIMIT_S: Final = 60
ANCHOR_MS: Final = 160
WARM_UP: Final = 5
ROUNDS: Final = 40
ARTIFACTS: Final = "/v1/projects/default/artifacts"


def measure() -> Iterator[Figure]:
    registered: list[float] = []
    promoted: list[float] = []
    with scratch() as folder:
        pins = asyncio.run(seed(folder))
        with serving(folder) as server:
            connection = Connection(server.url, server.token)
            for number in range(WARM_UP + ROUNDS):
                took = round_trip(connection, pins, number)
                if number >= WARM_UP:
                    registered.append(took[0])
                    promoted.append(took[1])
            connection.close()
    both = [first + second for first, second in zip(registered, promoted, strict=True)]
    yield Figure("register a prompt", f"{median_ms(registered):.1f} ms")
    yield Figure("promote an agent to dev (allowed, signed)", f"{median_ms(promoted):.1f} ms")
    anchor = f"MLflow's register, three calls: {ANCHOR_MS} ms"
    yield Figure("both", f"{median_ms(both):.1f} ms", anchor, f"{median_ms(both) / ANCHOR_MS:.2f} of it")


async def seed(folder: Path) -> dict[str, str]:
    """All that an agent is made of; digests by kind."""
    services, admin = await opened(settings_of(folder))
    try:
        return await register_agent(services.registry, admin)
    finally:
        await services.close()


def round_trip(connection: Connection, pins: dict[str, str], number: int) -> tuple[float, float]:
    """Seconds to register a new prompt, and to promote a new agent that uses it. Raises RuntimeError at a deny."""
    start = time.perf_counter()
    made = register(connection, "prompt", prompt(f"{number}: {{{{ context }}}}"))
    registered = time.perf_counter() - start
    digests = {kind: pins[kind] for kind in ("system", "index", "model")}
    version = register(connection, "agent", agent({**digests, "prompt": made["version"]["digest"]}))["version"]
    start = time.perf_counter()
    answer = connection.post(
        "/v1/projects/default/promotions", {"subject": f"agent/docs@v{version['number']}", "stage": "dev"}
    )
    promoted = time.perf_counter() - start
    if not answer["applied"]:
        raise RuntimeError(f"the promotion was not allowed: {answer}")
    return registered, promoted


def register(connection: Connection, kind: str, manifest: dict[str, Any]) -> dict[str, Any]:
    body = {"manifest": manifest, "registration": {"commit": "c0ffee", "message": "benchmark"}}
    return dict(connection.post(f"{ARTIFACTS}/{kind}/docs/versions", body))
