"""What a run costs besides its model: time per case, beside other evaluators, and memory by the number of cases.

The model is a stub that answers at once, so that what is left is everybody's own. Stored results, leases, retries,
the cache and the summary's statistics are in Sekisho's figure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.evaluated import AT_ONCE, QUESTION, evaluated
from benchmarks.figures import Figure
from benchmarks.peers import promptfoo, ragas
from benchmarks.stub_model import NAME, stub

TITLE: Final = f"A run with an instant model, {AT_ONCE} cases at a time"
LIMIT_S: Final = 1200
CASES: Final = 1_000
OPTIONS: Final = {"num_ctx": 4096, "num_predict": 512, "temperature": 0, "seed": 0}
SIZES: Final = (1_000, 10_000, 100_000)
PARTS: Final = {
    "ask": "the API that is asked for the run",
    "work": "the worker that does it",
    "report": "the API that reports on it in every format",
    "compare": "the API that compares it with another as large",
}


def measure() -> Iterator[Figure]:
    found = evaluated(CASES)["work"]
    own, processor = (found[name] / CASES * 1000 for name in ("wall_s", "cpu_s"))
    value, ratio = f"{own:.2f} ms ({processor:.2f} ms of CPU)", f"{own / 2:.2f} × as long"
    yield Figure("per case, the model in this process", value, "wanted: 2 ms at most", ratio)
    with stub() as url:
        found = evaluated(CASES, url)["work"]
        ours, ours_cpu = (found[name] / CASES for name in ("wall_s", "cpu_s"))
        bare, bare_cpu = (seconds / CASES for seconds in asyncio.run(bare_client(url, CASES)))
        value = f"{ours * 1000:.2f} ms ({ours_cpu * 1000:.2f} ms of CPU)"
        beside = f"the bare client: {bare * 1000:.2f} ms ({bare_cpu * 1000:.2f} ms of CPU)"
        yield Figure("per case, over HTTP", value, beside, f"{(ours_cpu - bare_cpu) * 1000:.2f} ms of CPU more")
        for peer in (ragas(url, CASES), promptfoo(url, CASES)):
            if peer.per_case_s is None:
                yield Figure("per case, over HTTP", f"{ours * 1000:.2f} ms", f"{peer.name} not measured: {peer.why}")
            else:
                beside = f"{peer.name}: {peer.per_case_s * 1000:.2f} ms"
                ratio = f"{ours / peer.per_case_s:.2f} × as long"
                yield Figure("per case, over HTTP", f"{ours * 1000:.2f} ms", beside, ratio)
    yield from memory()


async def bare_client(url: str, cases: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU, for so many calls of the client that Sekisho itself asks with, and nothing else."""
    import ollama

    places = asyncio.Semaphore(AT_ONCE)
    async with ollama.AsyncClient(host=url) as client:

        async def ask(number: int) -> None:
            async with places:
                await client.chat(NAME, [{"role": "user", "content": QUESTION.format(number)}], options=OPTIONS)

        await ask(0)
        started, processor = time.perf_counter(), time.process_time()
        await asyncio.gather(*map(ask, range(cases)))
        return time.perf_counter() - started, time.process_time() - processor


def memory() -> Iterator[Figure]:
    least: dict[str, float] = {}
    for cases in SIZES:
        found = evaluated(cases)
        for stage, doing in PARTS.items():
            peak = found[stage]["peak_mb"]
            ratio = peak / least.setdefault(stage, peak)
            yield Figure(
                f"peak memory of {cases:,} cases, {doing}", f"{peak:.1f} MB", "", f"{ratio:.2f} × the smallest"
            )
