"""Building an index the whole way, beside the bare loop over the very same chunks.

Ours reads the corpus, cuts and hashes it, embeds, writes, reads everything back and compares it bit by bit, and
registers the index with its record and ledger entry. The bare loop only has SentenceTransformer encode ready-made
chunks and adds them to a collection. Slices of the corpus take turns, so that a busy moment meets all: `minilm`, which
runs through ONNX Runtime, `minilm-torch`, and the bare loop. Then one document in a hundred changes, and the whole is
built again. Beside seconds stands the processor's time: a full build has work for every core, building again for little
more than one, so other work on the machine flatters the second.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure
from benchmarks.server import opened, scratch, settings_of
from sekisho.identity.types import Actor
from sekisho.indexing.types import ChunkerRecipe, Recipe, RetrieverRecipe, collection_name
from sekisho.inference.minilm import model_folder
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.jobs import JobState
from sekisho.kernel.references import Kind
from sekisho.kernel.trees import tree
from sekisho.registry.types import Provenance
from sekisho.wiring.services import Services

TITLE: Final = "Building an index"
LIMIT_S: Final = 1200
BUDGET_S: Final = 40
"""No further slice is begun after this long; a busy machine measures fewer."""
PAGES: Final = int(os.environ.get("BENCH_PAGES", "300"))
"""Abstracts of SciFact (it has 5,183), a page each, or pages of the handbook."""
PAGES_PER_TURN: Final = 10
FAST, TORCH = "minilm", "minilm-torch"
ROOT: Final = Path(__file__).parents[1]

Page = tuple[str, bytes]


class Bare:
    """The least that puts texts into Chroma as vectors."""

    def __init__(self, folder: Path) -> None:
        import chromadb
        from chromadb.config import Settings
        from sentence_transformers import SentenceTransformer

        self.model: Any = SentenceTransformer(str(model_folder()), device="cpu", local_files_only=True)
        self.client: Any = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))

    def build(self, name: str, texts: Sequence[str]) -> float:
        """Seconds that it took."""
        start = time.perf_counter()
        space = {"hnsw": {"space": "ip"}}
        collection = self.client.create_collection(name, embedding_function=None, configuration=space)
        vectors = self.model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        collection.add(ids=[str(n) for n in range(len(texts))], embeddings=vectors, documents=list(texts))
        return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class Turn:
    """One slice of the corpus, built by each."""

    chunks: int
    onnx_s: float
    torch_s: float
    bare_s: float


@dataclass(frozen=True, slots=True)
class Done:
    """One build: seconds from the claim of its job to the job's end, and of the processor's time in them."""

    digest: str
    seconds: float
    cpu_s: float
    embedded: int


@dataclass(frozen=True, slots=True)
class Again:
    """The corpus built whole, and once more after one document in a hundred changed."""

    full: Done
    changed: Done


def measure() -> Iterator[Figure]:
    source, pages = corpus()
    turns, twice = asyncio.run(measured(pages))
    chunks, bare_s = sum(turn.chunks for turn in turns), sum(turn.bare_s for turn in turns)
    for name, seconds in (
        (FAST, [turn.onnx_s for turn in turns]),
        (TORCH, [turn.torch_s for turn in turns]),
    ):
        each = [turn.bare_s / ours for turn, ours in zip(turns, seconds, strict=True)]
        yield Figure(
            f"{name}: {chunks:,} chunks of {source}, {len(turns)} slices",
            f"{chunks / sum(seconds):.1f} chunks/s",
            f"encode + collection.add: {chunks / bare_s:.1f} chunks/s",
            f"{bare_s / sum(seconds):.2f} × its speed ({min(each):.2f} to {max(each):.2f})",
        )
    yield Figure(
        f"again, {twice.changed.embedded} of {twice.full.embedded:,} chunks changed ({FAST})",
        f"{twice.changed.seconds:.2f} s, {twice.changed.cpu_s:.2f} s of the processor",
        f"the full build: {twice.full.seconds:.1f} s, {twice.full.cpu_s:.1f} s of the processor",
        f"{twice.changed.seconds / twice.full.seconds:.1%} of its time, "
        f"{twice.changed.cpu_s / twice.full.cpu_s:.1%} of its work",
    )


async def measured(pages: Sequence[Page]) -> tuple[list[Turn], Again]:
    with scratch() as folder:
        services, admin = await opened(settings_of(folder / "data"))
        try:
            for embedder in (FAST, TORCH):
                await services.inference.embedder(embedder)
            bare, turns = Bare(folder / "bare"), list[Turn]()
            # All have their model loaded and their store opened, as in a worker that has built before.
            await turn(services, admin, bare, "warm-up", pages[:1])
            end = time.monotonic() + BUDGET_S
            for start in range(0, len(pages), PAGES_PER_TURN):
                if turns and time.monotonic() > end:
                    break
                part = pages[start : start + PAGES_PER_TURN]
                turns.append(await turn(services, admin, bare, f"slice-{start}", part))
            return turns, await again(services, admin, pages)
        finally:
            await services.close()


async def turn(services: Services, admin: Actor, bare: Bare, name: str, pages: Sequence[Page]) -> Turn:
    """Ours goes first, since it makes the chunks."""
    onnx = await build(services, admin, name, pages, FAST)
    torch = await build(services, admin, name, pages, TORCH)
    texts = [chunk.text for chunk in services.indexing.vectors.scan(collection_name(onnx.digest))]
    return Turn(len(texts), onnx.seconds, torch.seconds, await asyncio.to_thread(bare.build, name, texts))


async def again(services: Services, admin: Actor, pages: Sequence[Page]) -> Again:
    """Without what the slices have left in the caches."""
    services.indexing.vector_cache.file.unlink(missing_ok=True)
    services.indexing.cut_cache.forget()
    full = await build(services, admin, "full", pages, FAST)
    changed = [
        (path, data + b"\nOne more word.\n") if n % 100 == 0 else (path, data) for n, (path, data) in enumerate(pages)
    ]
    return Again(full, await build(services, admin, "changed", changed, FAST))


async def build(services: Services, admin: Actor, name: str, pages: Sequence[Page], embedder: str) -> Done:
    """Have a job built as the worker does it."""
    pinned = await register(services, admin, name, pages)
    recipe = Recipe(pinned, RetrieverRecipe("dense"), ChunkerRecipe(), embedder)
    asked = await services.indexing.request_build(admin, "default", name, recipe, Provenance())
    start, work = time.perf_counter(), time.process_time()
    job = await services.jobs.claim(["build"], "benchmark")
    if job is None:
        raise RuntimeError("the build was not in the queue")
    await services.indexing.build(job)
    took, worked = time.perf_counter() - start, time.process_time() - work
    ended = await services.jobs.one("default", asked.id)
    if ended.state is not JobState.DONE or ended.result is None:
        raise RuntimeError(f"the build ended as {ended.state}: {ended.error}")
    return Done(str(ended.result["digest"]), took, worked, int(ended.result["embedded"]))


async def register(services: Services, admin: Actor, name: str, pages: Sequence[Page]) -> str:
    """The digest of a corpus of these pages."""
    files = []
    for path, data in pages:
        digest = digest_of_bytes(data)
        await services.registry.put_blob(admin, "default", digest, data)
        files.append({"path": path, "digest": digest, "bytes": len(data), "media_type": "text/markdown"})
    manifest = {"schema": "sekisho.corpus/v1", "files": files, "licence": "CC-BY-4.0", "language": "en"}
    made = await services.registry.register(admin, "default", Kind.CORPUS, name, manifest, Provenance())
    return made.version.digest


def corpus() -> tuple[str, list[Page]]:
    """SciFact's abstracts where the checkout has that data beside it, else the handbook over and over."""
    found = [place for place in (ROOT.parent, ROOT) if (place / SCIFACT).is_file()]
    return ("SciFact", scifact(found[0] / SCIFACT)) if found else ("the handbook, repeated", handbook())


SCIFACT: Final = Path("shared/data/retrieval/scifact/corpus.jsonl")


def scifact(path: Path) -> list[Page]:
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, PAGES)]
    texts = [f"# {row['title']}\n\n{row['text']}\n".encode() for row in rows]
    return [(f"abstract-{number:04}.md", text) for number, text in enumerate(texts)]


def handbook() -> list[Page]:
    """Each repetition says its number in every paragraph, so that no two chunks are the same."""
    sources = sorted((tree("evals") / "demo" / "handbook" / "en").glob("*.md"))
    pages: list[Page] = []
    for number in range(PAGES):
        text = sources[number % len(sources)].read_text("utf-8")
        pages.append((f"page-{number:03}.md", text.replace("\n\n", f"\n\nEdition {number}. ").encode()))
    return pages
