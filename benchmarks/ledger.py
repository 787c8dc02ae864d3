"""The ledger: entries appended one transaction each, as changes append them; proofs; and verifying it whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.figures import Figure, median_ms, percentile
from benchmarks.server import opened, scratch, settings_of
from sekisho.identity.types import Actor
from sekisho.wiring.services import Services

TITLE: Final = "The ledger, on SQLite"
LIMIT_S: Final = 90
ENTRIES: Final = 2_000
PROOFS: Final = 200


def measure() -> Iterator[Figure]:
    yield from asyncio.run(measured())


async def measured() -> list[Figure]:
    with scratch() as folder:
        services, admin = await opened(settings_of(folder))
        try:
            return [await appends(services), *await proofs(services, admin), await verification(services, admin)]
        finally:
            await services.close()


async def appends(services: Services) -> Figure:
    times = []
    for number in range(ENTRIES):
        start = time.perf_counter()
        async with services.database.write() as tx:
            await services.ledger.append(
                tx, kind="benchmark.appended", project="default", principal="admin", subject=f"entry-{number}",
                body={"number": number, "label": "agent/docs", "stage": "production"},
            )  # fmt: skip
        times.append(time.perf_counter() - start)
    value = f"{ENTRIES / sum(times):,.0f}/s"
    return Figure(
        f"{ENTRIES:,} appends", value, f"median {median_ms(times):.2f} ms, p99 {percentile(times, 0.99) * 1000:.2f} ms"
    )


async def proofs(services: Services, admin: Actor) -> list[Figure]:
    inclusion, consistency = [], []
    for number in range(PROOFS):
        seq = number * ENTRIES // PROOFS
        start = time.perf_counter()
        await services.ledger.inclusion(admin, seq)
        middle = time.perf_counter()
        await services.ledger.consistency(admin, seq + 1)
        inclusion.append(middle - start)
        consistency.append(time.perf_counter() - middle)
    return [
        Figure("proof that an entry is included", f"{median_ms(inclusion):.2f} ms"),
        Figure("proof that nothing before was changed", f"{median_ms(consistency):.2f} ms"),
    ]


async def verification(services: Services, admin: Actor) -> Figure:
    start = time.perf_counter()
    found = await services.ledger.verify(admin)
    took = time.perf_counter() - start
    if found.problems:
        raise RuntimeError(f"the ledger does not verify: {found.problems}")
    return Figure("verify all of it", f"{took:.2f} s", f"{ENTRIES / took:,.0f} entries/s")
