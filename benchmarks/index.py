"""Building an index the whole way, beside the bare loop over the very same chunks.

Ours reads the corpus, cuts and hashes it, embeds, writes, reads everything back and compares it bit by bit, and
registers the index with its record and ledger entry. The bare loop only has SentenceTransformer encode ready-made
chunks and adds them to a collection. Slices of the corpus take turns, so that a busy moment meets both.
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
LIMIT_S: Final = 270
BUDGET_S: Final = 100
"""No further slice is begun after this long; a busy machine measures fewer."""
PAGES: Final = 60
PAGES_PER_TURN: Final = 10
ABSTRACTS: Final = 10
"""Abstracts on a page of the SciFact corpus; so many pages of either corpus make about 1,500 chunks."""
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
    """One slice of the corpus, built by both."""

    chunks: int
    ours_s: float
    bare_s: float


def measure() -> Iterator[Figure]:
    source, pages = corpus()
    turns = asyncio.run(measured(pages))
    chunks = sum(turn.chunks for turn in turns)
    ours, bare = chunks / sum(turn.ours_s for turn in turns), chunks / sum(turn.bare_s for turn in turns)
    each = [turn.bare_s / turn.ours_s for turn in turns]
    yield Figure(
        f"{chunks:,} chunks of {source}, {len(turns)} slices",
        f"{ours:.1f} chunks/s",
        f"encode + collection.add: {bare:.1f} chunks/s",
        f"{ours / bare:.2f} × its speed ({min(each):.2f} to {max(each):.2f})",
    )


async def measured(pages: Sequence[Page]) -> list[Turn]:
    with scratch() as folder:
        services, admin = await opened(settings_of(folder / "data"))
        try:
            await services.inference.embedder("minilm")
            bare, turns = Bare(folder / "bare"), list[Turn]()
            # Both have their model loaded and their store opened, as in a worker that has built before.
            await turn(services, admin, bare, "warm-up", pages[:1])
            end = time.monotonic() + BUDGET_S
            for start in range(0, len(pages), PAGES_PER_TURN):
                if turns and time.monotonic() > end:
                    break
                part = pages[start : start + PAGES_PER_TURN]
                turns.append(await turn(services, admin, bare, f"slice-{start}", part))
            return turns
        finally:
            await services.close()


async def turn(services: Services, admin: Actor, bare: Bare, name: str, pages: Sequence[Page]) -> Turn:
    """Ours goes first, since it makes the chunks."""
    digest, ours_s = await build(services, admin, name, pages)
    texts = [chunk.text for chunk in services.indexing.vectors.scan(collection_name(digest))]
    return Turn(len(texts), ours_s, await asyncio.to_thread(bare.build, name, texts))


async def build(services: Services, admin: Actor, name: str, pages: Sequence[Page]) -> tuple[str, float]:
    """Have a job built as the worker does it: the index's digest, and seconds from the claim to the job's end."""
    recipe = Recipe(await register(services, admin, name, pages), RetrieverRecipe("dense"), ChunkerRecipe())
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
    return str(ended.result["digest"]), took


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
        rows = [json.loads(line) for line in islice(lines, PAGES * ABSTRACTS)]
    texts = [f"# {row['title']}\n\n{row['text']}\n" for row in rows]
    groups = [texts[start : start + ABSTRACTS] for start in range(0, len(texts), ABSTRACTS)]
    return [(f"page-{number:03}.md", "\n".join(group).encode()) for number, group in enumerate(groups)]


def handbook() -> list[Page]:
    """Each repetition says its number in every paragraph, so that no two chunks are the same."""
    sources = sorted((tree("evals") / "demo" / "handbook" / "en").glob("*.md"))
    pages: list[Page] = []
    for number in range(PAGES):
        text = sources[number % len(sources)].read_text("utf-8")
        pages.append((f"page-{number:03}.md", text.replace("\n\n", f"\n\nEdition {number}. ").encode()))
    return pages
