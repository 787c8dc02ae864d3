"""What a build takes of memory as the corpus grows: of 5,000 and of 100,000 chunks, each in a process of its own.

Words and vectors are made up, since nothing of the memory depends on what they say. With a Chroma server it is the
build's own: the corpus, the chunks on their way, ids and hashes. An embedded Chroma keeps its graph and every vector in
the process that owns it, so what that alone takes is measured beside it: the same vectors added to bare Chroma.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure
from benchmarks.index import Page, register
from benchmarks.queries import _WORDS as WORDS
from benchmarks.queries import DIMENSION, Random
from benchmarks.server import chroma_server, opened, scratch, settings_of
from sekisho.indexing.chroma import Chroma
from sekisho.indexing.types import Chunk, ChunkerRecipe, Recipe, RetrieverRecipe
from sekisho.kernel.jobs import JobState
from sekisho.registry.types import Provenance

TITLE: Final = "Memory of a build"
LIMIT_S: Final = 1800
SMALL, LARGE = 5_000, 100_000
PARAGRAPH: Final = 60
"""Words of each paragraph, which is a chunk."""
PER_PAGE: Final = 50
_SLAB: Final = 5000
_EVERY_S: Final = 0.02


def measure() -> Iterator[Figure]:
    apart = {chunks: alone(built_apart, chunks) for chunks in (SMALL, LARGE)}
    yield Figure(
        f"with a Chroma server: the most above the idle worker, of {SMALL:,} and of {LARGE:,} chunks",
        f"{apart[SMALL]:.0f} and {apart[LARGE]:.0f} MB",
        f"the vectors alone: {SMALL * DIMENSION * 4e-6:.0f} and {LARGE * DIMENSION * 4e-6:.0f} MB",
        f"{apart[LARGE] / apart[SMALL]:.2f} × for {LARGE // SMALL} times the chunks",
    )
    ours = {chunks: alone(built, chunks) for chunks in (SMALL, LARGE)}
    bare = {chunks: alone(added, chunks) for chunks in (SMALL, LARGE)}
    for chunks in (SMALL, LARGE):
        yield Figure(
            f"{chunks:,} chunks: the most above the idle worker", f"{ours[chunks]:.0f} MB",
            f"bare Chroma: {bare[chunks]:.0f} MB", f"{ours[chunks] - bare[chunks]:+.0f} MB",
        )  # fmt: skip
    own = [ours[chunks] - bare[chunks] for chunks in (SMALL, LARGE)]
    yield Figure(
        f"from {SMALL:,} to {LARGE:,} chunks",
        f"{ours[LARGE] - ours[SMALL]:+.0f} MB",
        f"bare Chroma: {bare[LARGE] - bare[SMALL]:+.0f} MB",
        f"the build's own: {own[1] - own[0]:+.0f} MB, {(own[1] - own[0]) * 1e6 / (LARGE - SMALL):.0f} bytes a chunk",
    )


def alone(what: object, chunks: int) -> float:
    """What `what(chunks)` gives in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(what, (chunks,)))  # type: ignore[arg-type]


def built(chunks: int) -> float:
    """Megabytes that a build took at most, above what the process took before it."""
    return asyncio.run(_built(chunks))


def built_apart(chunks: int) -> float:
    """The same with a Chroma server, in whose process the vectors are."""
    with scratch() as folder, chroma_server(folder) as url:
        return asyncio.run(_built(chunks, chroma_url=url))


async def _built(chunks: int, **more: str) -> float:
    with scratch() as folder:
        services, admin = await opened(settings_of(folder, **more))
        try:
            services.inference._embedders["minilm"] = Random()
            # What is loaded once is loaded before.
            await _build(services, await register(services, admin, "warm-up", list(pages(PER_PAGE))), admin)
            corpus = await register(services, admin, "made-up", list(pages(chunks)))
            with peak() as most:
                found = await _build(services, corpus, admin)
        finally:
            await services.close()
    if found != chunks:
        raise RuntimeError(f"{found} chunks were built, not {chunks}")
    return most()


async def _build(services: object, corpus: str, admin: object) -> int:
    indexing, jobs = services.indexing, services.jobs  # type: ignore[attr-defined]
    recipe = Recipe(corpus, RetrieverRecipe("dense"), ChunkerRecipe(max_tokens=PARAGRAPH + 4))
    asked = await indexing.request_build(admin, "default", "made-up", recipe, Provenance())
    await indexing.build(await jobs.claim(["build"], "benchmark"))
    ended = await jobs.one("default", asked.id)
    if ended.state is not JobState.DONE:
        raise RuntimeError(f"the build ended as {ended.state}: {ended.error}")
    return int(ended.result["chunks"])


def pages(chunks: int) -> Iterator[Page]:
    draw = random.Random(7)
    for number in range(0, chunks, PER_PAGE):
        paragraphs = [" ".join(draw.choices(WORDS, k=PARAGRAPH)) for _ in range(min(PER_PAGE, chunks - number))]
        yield f"page-{number:06}.md", "\n\n".join(paragraphs).encode()


def added(chunks: int) -> float:
    """Megabytes that as many vectors take in bare Chroma, read once as a build reads them back."""
    draw, embedder = random.Random(7), Random()
    with scratch() as folder:
        store = Chroma(folder=Path(folder))
        put(store, "warm-up", 0, PER_PAGE, draw, embedder)
        with peak() as most:
            store.create("bare")
            for start in range(0, chunks, _SLAB):
                put(store, "bare", start, min(chunks, start + _SLAB), draw, embedder)
            for _ in store.scan("bare"):
                pass
        store.close()
    return most()


def put(store: Chroma, name: str, start: int, end: int, draw: random.Random, embedder: Random) -> None:
    if name not in store.names():
        store.create(name)
    made = [
        (n, Chunk(f"{n:032x}", f"{n // PER_PAGE}.md", "", "en", " ".join(draw.choices(WORDS, k=PARAGRAPH)), PARAGRAPH))
        for n in range(start, end)
    ]
    store.add(name, made, embedder.embed([chunk.text for _, chunk in made]))


@contextmanager
def peak() -> Iterator[partial[float]]:
    """Megabytes that the process took at most within the block, above what it took at its beginning."""
    before, found, over = resident_mb(), [0.0], threading.Event()

    def look() -> None:
        while not over.wait(_EVERY_S):
            found[0] = max(found[0], resident_mb())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield partial(lambda: found[0] - before)
    finally:
        over.set()
        looking.join()


def resident_mb() -> float:
    """What the process takes now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
