"""Filters on documents, and reranking: in the manifest, and in a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sekisho.indexing.types import FilterRecipe
from sekisho.kernel.database import Database
from sekisho.kernel.errors import Invalid, ModelFailed
from sekisho.kernel.jobs import JobState
from sekisho.registry.index_kinds import DocumentFilter
from tests.clocks import FixedClock
from tests.indexing.tampering import raw_collection
from tests.indexing.worlds import ADMIN, World, new_world
from tests.inference import local_models

PAGES = {
    f"{language}/{team}/{n}.md": f"# Rule {n}\n\nThe gate of {team} asks engine {n}."
    for language in ("en", "ja")
    for team in ("hr", "legal")
    for n in range(30)
}


class LongestFirst:
    """A reranker that is plain arithmetic: the longer text is the better one."""

    name = "local:longest"
    digest = "sha256:" + "7" * 64

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        return [float(len(text)) for text in texts]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"filter": FilterRecipe()}, r"\$\.retriever\.filter: name a path_prefix"),
        ({"filter": FilterRecipe(since=2, until=1)}, r"\$\.retriever\.filter\.until"),
        ({"filter": FilterRecipe(licences=("no licence!",))}, r"\$\.retriever\.filter"),
        ({"reranker": "cross"}, r"\$\.retriever\.reranker"),
        ({"rerank_candidates": 30}, r"\$\.retriever\.rerank_candidates"),
        ({"reranker": "local:cross", "k": 20, "rerank_candidates": 10}, r"\$\.retriever\.rerank_candidates"),
    ],
)
async def test_a_retriever_that_makes_no_sense_is_refused(world: World, options: dict[str, Any], field: str) -> None:
    """Before anything is queued, naming the field."""
    with pytest.raises(Invalid, match=field):
        await world.request(await world.corpus(), "hybrid", **options)


async def test_a_search_with_an_empty_filter_is_refused(world: World) -> None:
    """It would look like one and filter nothing."""
    await world.build(await world.corpus())
    with pytest.raises(Invalid, match=r"\$\.filter"):
        await world.indexing.request_search(ADMIN, "default", "index/docs@latest", "gate", 3, FilterRecipe())


@pytest.mark.parametrize("mode", ["dense", "bm25", "hybrid"])
async def test_a_search_is_limited_to_the_documents_asked_for(world: World, mode: str) -> None:
    """As many as asked for, all of them from there, in the order in which they stand without the filter."""
    built = await world.build(await world.corpus(PAGES), mode)
    assert built.result is not None
    index = await world.indexing.open("default", built.result["digest"])
    only = DocumentFilter(path_prefix="ja/legal/", languages=("ja",))
    found = await index.search("gate engine 7", 10, only)
    assert len(found) == 10
    assert all(hit.document.startswith("ja/legal/") for hit in found)
    if mode == "bm25":
        assert found[0].document == "ja/legal/7.md"
    if mode != "hybrid":
        # By scores: of chunks that are equally near, the vector store may give any.
        whole = [hit.score for hit in await index.search("gate engine 7", 400) if hit.document.startswith("ja/legal/")]
        assert [hit.score for hit in found] == whole[:10]
    assert await index.search("gate", 10, DocumentFilter(path_prefix="nowhere/")) == []


DATED = {"new.md": 3000, "old.md": 1000, "undated.md": None, "free.md": 2000}


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ({"since": 2000}, {"new.md", "free.md"}),
        ({"until": 2000}, {"old.md", "free.md"}),
        ({"since": 1001, "until": 2999}, {"free.md"}),
        ({"since": 3001}, set()),
        ({"licences": ("MIT",)}, {"free.md"}),
        ({"licences": ("Apache-2.0",)}, {"new.md", "old.md", "undated.md"}),
        ({"licences": ("Apache-2.0", "MIT"), "until": 1500}, {"old.md"}),
    ],
)
async def test_documents_are_chosen_by_licence_and_time(world: World, only: dict[str, Any], expected: set[str]) -> None:
    """A document's own licence, or else its corpus's; one without a time is left out where time is asked for."""
    pages = {path: f"# Rule\n\nThe gate of {path} asks the engine." for path in DATED}
    said: dict[str, dict[str, Any]] = {path: {"time": time} for path, time in DATED.items() if time is not None}
    said["free.md"]["licence"] = "MIT"
    built = await world.build(await world.corpus(pages, said=said), "hybrid")
    assert built.result is not None
    index = await world.indexing.open("default", built.result["digest"])
    found = await index.search("gate engine", 10, DocumentFilter(**only))
    assert {hit.document for hit in found} == expected


async def test_the_pinned_corpus_says_the_licence_and_not_the_store(world: World) -> None:
    """Whoever can write to the vector store cannot make a document pass as licensed otherwise."""
    built = await world.build(await world.corpus(said={"notes.txt": {"licence": "MIT"}}), "dense")
    assert built.result is not None
    collection = raw_collection(world.indexing.vectors, built.result["digest"])
    ids = collection.get()["ids"]
    collection.update(ids=ids, metadatas=[{"licence": "MIT"}] * len(ids))
    index = await world.indexing.open("default", built.result["digest"])
    found = await index.search("gate", 10, DocumentFilter(licences=("MIT",)))
    assert {hit.document for hit in found} <= {"notes.txt"}


async def test_an_index_may_be_limited_for_every_search(world: World) -> None:
    """The manifest says so, so it is another index; a search may narrow it and not widen it."""
    corpus = await world.corpus(PAGES)
    whole = await world.build(corpus, "hybrid")
    part = await world.build(corpus, "hybrid", filter=FilterRecipe(path_prefix="en/", languages=("en",)))
    assert whole.result is not None
    assert part.result is not None
    assert part.result["digest"] != whole.result["digest"]
    assert part.result["vectors_root"] == whole.result["vectors_root"]
    index = await world.indexing.open("default", part.result["digest"])
    assert index.manifest.to_json()["retriever"]["filter"] == {"path_prefix": "en/", "languages": ["en"]}
    found = await index.search("gate engine", 40, DocumentFilter(path_prefix="en/hr/"))
    assert {hit.document.rpartition("/")[0] for hit in found} == {"en/hr"}
    assert await index.search("gate", 5, DocumentFilter(path_prefix="ja/")) == []


async def test_a_filter_reaches_the_worker_with_the_search(world: World) -> None:
    """It is part of the job."""
    await world.build(await world.corpus(PAGES), "hybrid")
    chosen = FilterRecipe(path_prefix="en/hr/")
    await world.indexing.request_search(ADMIN, "default", "index/docs@latest", "engine 3", 5, chosen)
    job = await world.work("search")
    assert job.result is not None
    assert job.state is JobState.DONE
    assert job.result["hits"][0]["document"] == "en/hr/3.md"
    assert all(hit["document"].startswith("en/hr/") for hit in job.result["hits"])


async def test_a_reranker_orders_the_candidates_anew(world: World) -> None:
    """Pinned by digest; its score is the hit's, ranks count from one, and what comes back is k."""
    pages = {f"{n}.md": f"# Rule\n\nThe gate asks. {'word ' * n}" for n in range(12)}
    world.indexing.inference._rerankers["local:longest"] = LongestFirst()
    known = new_world(world.database, world.indexing.settings.data_dir, world.clock, rerankers=("longest=/nowhere",))
    known.indexing.inference._rerankers["local:longest"] = LongestFirst()
    built = await known.build(await known.corpus(pages), "bm25", k=3, reranker="local:longest", rerank_candidates=12)
    assert built.result is not None
    index = await known.indexing.open("default", built.result["digest"])
    pin = index.manifest.to_json()["retriever"]["reranker"]
    assert pin == {"name": "local:longest", "digest": LongestFirst.digest, "candidates": 12}
    hits = await index.search("gate")
    assert [hit.document for hit in hits] == ["11.md", "10.md", "9.md"]
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert hits[0].score == float(len(hits[0].text))
    await known.indexing.close()


async def test_without_the_reranker_nothing_is_built_or_searched(world: World) -> None:
    """It is refused with what would mend it; another model of that name is refused by its digest."""
    corpus = await world.corpus()
    await world.request(corpus, "bm25", reranker="local:longest")
    with pytest.raises(Invalid, match="SEKISHO_RERANKERS"):
        await world.indexing.build(await world.claim("build"))
    known = new_world(world.database, world.indexing.settings.data_dir, world.clock, rerankers=("longest=/nowhere",))
    known.indexing.inference._rerankers["local:longest"] = LongestFirst()
    world.clock.advance(31_000)
    built = await known.work("build")
    assert built.result is not None
    other = LongestFirst()
    other.digest = "sha256:" + "8" * 64
    known.indexing.inference._rerankers["local:longest"] = other
    with pytest.raises(ModelFailed, match="build the index again"):
        await known.indexing.open("default", built.result["digest"])
    await known.indexing.close()


@pytest.mark.slow
async def test_a_real_cross_encoder_is_pinned_and_asked(
    database: Database, data_dir: Path, clock: FixedClock, tmp_path: Path
) -> None:
    """From a folder of the settings, through a build and a search."""
    folder = local_models.save_reranker(tmp_path / "cross")
    world = new_world(database, data_dir, clock, rerankers=(f"cross={folder}",))
    built = await world.build(await world.corpus(), "hybrid", k=3, reranker="local:cross")
    assert built.result is not None
    index = await world.indexing.open("default", built.result["digest"])
    assert index.manifest.retriever.reranker is not None
    assert index.manifest.retriever.reranker.candidates == 50
    hits = await index.search("Who signs a decision?")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    await world.indexing.close()
