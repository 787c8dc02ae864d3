"""Building an index the whole way, beside the bare loop over the very same chunks.

Ours reads the corpus, cuts and hashes it, embeds, writes, reads everything back and compares it bit by bit, and
registers the index with its record and ledger entry. The bare loop only has SentenceTransformer encode ready-made
chunks and adds them to a collection. Slices of the corpus take turns, so that a busy moment meets all: MiniLM through
ONNX Runtime, through torch, and the bare loop. Then one document in a hundred changes, and the whole is built again.
"""

from __future__ import annotations

import asyncio
import json
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
LIMIT_S: Final = 400
BUDGET_S: Final = 40
"""No further slice is begun after this long; a busy machine measures fewer."""
PAGES: Final = 300
"""Abstracts of SciFact, a page each, or pages of the handbook."""
PAGES_PER_TURN: Final = 20
FAST: Final = "minilm-onnx"
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
class Again:
    """The corpus built whole, and once more after one document in a hundred changed."""

    chunks: int
    full_s: float
    embedded: int
    changed_s: float


def measure() -> Iterator[Figure]:
    source, pages = corpus()
    turns, again = asyncio.run(measured(pages))
    chunks, bare_s = sum(turn.chunks for turn in turns), sum(turn.bare_s for turn in turns)
    for name, seconds in (
        ("minilm-onnx", [turn.onnx_s for turn in turns]),
        ("minilm", [turn.torch_s for turn in turns]),
    ):
        each = [turn.bare_s / ours for turn, ours in zip(turns, seconds, strict=True)]
        yield Figure(
            f"{name}: {chunks:,} chunks of {source}, {len(turns)} slices",
            f"{chunks / sum(seconds):.1f} chunks/s",
            f"encode + collection.add: {chunks / bare_s:.1f} chunks/s",
            f"{bare_s / sum(seconds):.2f} × its speed ({min(each):.2f} to {max(each):.2f})",
        )
    yield Figure(
        f"again, {again.embedded} of {again.chunks:,} chunks changed (minilm-onnx)",
        f"{again.changed_s:.2f} s",
        f"the full build: {again.full_s:.1f} s",
        f"{again.changed_s / again.full_s:.1%} of its time",
    )


async def measured(pages: Sequence[Page]) -> tuple[list[Turn], Again]:
    with scratch() as folder:
        services, admin = await opened(settings_of(folder / "data"))
        try:
            for embedder in (FAST, "minilm"):
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
    digest, onnx_s, _ = await build(services, admin, name, pages, FAST)
    _, torch_s, _ = await build(services, admin, name, pages, "minilm")
    texts = [chunk.text for chunk in services.indexing.vectors.scan(collection_name(digest))]
    return Turn(len(texts), onnx_s, torch_s, await asyncio.to_thread(bare.build, name, texts))


async def again(services: Services, admin: Actor, pages: Sequence[Page]) -> Again:
    """Without what the slices have left in the cache."""
    services.indexing.vector_cache.file.unlink(missing_ok=True)
    _, full_s, chunks = await build(services, admin, "full", pages, FAST)
    changed = [
        (path, data + b"\nOne more word.\n") if n % 100 == 0 else (path, data) for n, (path, data) in enumerate(pages)
    ]
    _, changed_s, embedded = await build(services, admin, "changed", changed, FAST)
    return Again(chunks, full_s, embedded, changed_s)


async def build(
    services: Services, admin: Actor, name: str, pages: Sequence[Page], embedder: str
) -> tuple[str, float, int]:
    """Have a job built as the worker does it: digest, seconds from the claim to the job's end, chunks embedded."""
    pinned = await register(services, admin, name, pages)
    recipe = Recipe(pinned, RetrieverRecipe("dense"), ChunkerRecipe(), embedder)
    asked = await services.indexing.request_build(admin, "default", name, recipe, Provenance())
    start = time.perf_counter()
    job = await services.jobs.claim(["build"], "benchmark")
    if job is None:
        raise RuntimeError("the build was not in the queue")
    await services.indexing.build(job)
    took = time.perf_counter() - start
    ended = await services.jobs.one("default", asked.id)
    if ended.state is not JobState.DONE or ended.result is None:
        raise RuntimeError(f"the build ended as {ended.state}: {ended.error}")
    return str(ended.result["digest"]), took, int(ended.result["embedded"])


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
    return [(f"{row['_id']}.md", f"# {row['title']}\n\n{row['text']}\n".encode()) for row in rows]


def handbook() -> list[Page]:
    """Each repetition says its number in every paragraph, so that no two chunks are the same."""
    sources = sorted((tree("evals") / "demo" / "handbook" / "en").glob("*.md"))
    pages: list[Page] = []
    for number in range(PAGES):
        text = sources[number % len(sources)].read_text("utf-8")
        pages.append((f"page-{number:03}.md", text.replace("\n\n", f"\n\nEdition {number}. ").encode()))
    return pages
