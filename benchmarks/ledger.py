"""The ledger: entries appended one transaction each, as changes append them; then proofs and a full verification at
100,000 entries.

The entries beyond the first thousands are written many at a time, with the bytes and hashes that `append` gives them:
verification recomputes them all. What the rooms keep is held to the log in the same call; here that is next to
nothing, so the figure is the log's own.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from benchmarks.figures import Figure, against, median_ms, percentile
from benchmarks.server import opened, scratch, settings_of
from sekisho.identity.types import Actor
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import canonical_json
from sekisho.ledger import merkle
from sekisho.ledger.store import Head, LedgerStore, row_of
from sekisho.ledger.types import Entry
from sekisho.wiring.services import Services

TITLE: Final = "The ledger, on SQLite"
LIMIT_S: Final = 240
SINGLE: Final = 2_000
ENTRIES: Final = 100_000
AT_ONCE: Final = 2_000
PROOFS: Final = 1_000
SEED: Final = 1
VERIFICATIONS: Final = 5
PROOF_MS: Final = 1.0
VERIFY_S: Final = 2.0


def measure() -> Iterator[Figure]:
    yield from asyncio.run(measured())


async def measured() -> list[Figure]:
    with scratch() as folder:
        services, admin = await opened(settings_of(folder))
        try:
            figures = [await appends(services)]
            await fill(services)
            return [*figures, *await proofs(services, admin), *await verification(services, admin)]
        finally:
            await services.close()


def body_of(number: int) -> dict[str, Any]:
    return {"number": number, "label": "agent/docs", "stage": "production"}


async def appends(services: Services) -> Figure:
    times = []
    for number in range(SINGLE):
        start = time.perf_counter()
        async with services.database.write() as tx:
            await services.ledger.append(
                tx, kind="benchmark.appended", project="default", principal="admin", subject=f"entry-{number}",
                body=body_of(number),
            )  # fmt: skip
        times.append(time.perf_counter() - start)
    value = f"{SINGLE / sum(times):,.0f}/s"
    spread = f"median {median_ms(times):.2f} ms, p99 {percentile(times, 0.99) * 1000:.2f} ms"
    return Figure(f"{SINGLE:,} appends, a transaction each", value, spread)


async def fill(services: Services) -> None:
    """Up to `ENTRIES` in all."""
    async with services.database.read() as tx:
        size = await services.ledger.size(tx)
    while size < ENTRIES:
        async with services.database.write() as tx:
            size = await append_many(tx, min(AT_ONCE, ENTRIES - size))


async def append_many(tx: Transaction, count: int) -> int:
    store = LedgerStore(tx)
    head = await store.head(for_update=True)
    frontier, rows = head.frontier, []
    for number in range(frontier.size, frontier.size + count):
        entry = Entry(number, 1_790_000_000_000, "benchmark.appended", "default", "admin", None, body_of(number))
        content = canonical_json(entry.content())
        leaf = merkle.leaf_hash(content)
        frontier, completed = frontier.appended(leaf)
        rows.append(row_of(entry, content, leaf, completed))
    await store.insert_all(rows)
    await store.move_head(Head(head.origin, frontier))
    return frontier.size


async def proofs(services: Services, admin: Actor) -> list[Figure]:
    """Of entries drawn at random, the two kinds in turns."""
    draw, ledger = random.Random(SEED), services.ledger
    asked: dict[str, Callable[[int], Awaitable[object]]] = {
        "proof that an entry is included": lambda seq: ledger.inclusion(admin, seq),
        "proof that nothing before was changed": lambda seq: ledger.consistency(admin, seq + 1),
    }
    taken: dict[str, list[tuple[float, float]]] = {what: [] for what in asked}
    for _ in range(PROOFS):
        seq = draw.randrange(ENTRIES)
        for what, ask in asked.items():
            start, cpu = time.perf_counter(), time.process_time()
            await ask(seq)
            taken[what].append((time.perf_counter() - start, time.process_time() - cpu))
    return [figure for what, times in taken.items() for figure in proof(what, *zip(*times, strict=True))]


def proof(what: str, walls: Sequence[float], cpus: Sequence[float]) -> list[Figure]:
    """Wall time, and the processor's: waiting for a busy processor stands in the one and not in the other."""
    took, worst = median_ms(walls), percentile(cpus, 0.99) * 1000
    spread = f"p99 {percentile(walls, 0.99) * 1000:.2f} ms, best {min(walls) * 1000:.2f} ms"
    return [
        Figure(f"{what}, among {ENTRIES:,}", f"{took:.2f} ms", spread, against(took, PROOF_MS, "ms")),
        Figure("… of which processor time", f"{median_ms(cpus):.2f} ms", f"p99 {worst:.2f} ms"),
    ]


async def verification(services: Services, admin: Actor) -> list[Figure]:
    """Wall time, and the processor's: on a busy machine the one is longer than the work."""
    walls, cpus = [], []
    for _ in range(VERIFICATIONS):
        start, cpu = time.perf_counter(), time.process_time()
        found = await services.ledger.verify(admin)
        walls.append(time.perf_counter() - start)
        cpus.append(time.process_time() - cpu)
        if found.problems or found.entries < ENTRIES:
            raise RuntimeError(f"the ledger does not verify: {found.entries} entries, {found.problems}")
    best, work = min(walls), min(cpus)
    return [
        Figure(
            f"verify all {ENTRIES:,}, best of {VERIFICATIONS}", f"{best:.2f} s", f"{ENTRIES / best:,.0f} entries/s",
            against(best, VERIFY_S, "s"),
        ),
        Figure("… of which processor time", f"{work:.2f} s", "", against(work, VERIFY_S, "s")),
    ]  # fmt: skip
