"""Retrieval: dense, by terms, both; what comes back and in which order."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sekisho.indexing.retrieval import QueryVectors, fused, weighed
from sekisho.indexing.types import Recipe, RetrieverRecipe
from sekisho.kernel.errors import Invalid, ModelFailed
from sekisho.kernel.jobs import JobState
from sekisho.registry.types import Provenance
from tests.indexing.embedders import HashedWords
from tests.indexing.worlds import ADMIN, World

QUESTIONS = {
    "When is a decision signed with a key?": "en/gate.md",
    "承認はいつ失効しますか": "ja/approval.md",
    "Are bananas yellow?": "notes.txt",
}


@pytest.mark.parametrize("wrong", [{"query": " "}, {"k": 0}, {"k": 101}])
async def test_a_search_that_asks_for_nothing_is_refused(world: World, wrong: dict[str, Any]) -> None:
    """An empty query and a k out of range, before anything is queued."""
    await world.build(await world.corpus())
    given: dict[str, Any] = {"query": "gate", "k": 3, **wrong}
    with pytest.raises(Invalid):
        await world.indexing.request_search(ADMIN, "default", "index/docs@latest", given["query"], given["k"])


@pytest.mark.parametrize("mode", ["dense", "bm25", "hybrid"])
async def test_each_retriever_finds_the_passage(world: World, mode: str) -> None:
    """In both languages, ranks from 1, scores falling, no chunk twice; the manifest's k unless said."""
    built = await world.build(await world.corpus(), mode, k=2)
    assert built.result is not None
    index = await world.indexing.open("default", built.result["digest"])
    for question, document in QUESTIONS.items():
        hits = await index.search(question)
        assert hits[0].document == document
        assert len(hits) <= 2
        many = await index.search(question, 50)
        assert [hit.rank for hit in many] == list(range(1, len(many) + 1))
        assert [hit.score for hit in many] == sorted((hit.score for hit in many), reverse=True)
        assert len({hit.chunk_id for hit in many}) == len(many) <= built.result["chunks"]


async def test_a_search_job_gives_its_hits(world: World) -> None:
    """Through the queue, as the API and the CLI ask for it."""
    await world.build(await world.corpus(), "hybrid")
    await world.indexing.request_search(ADMIN, "default", "index/docs", "bananas", 1)
    job = await world.work("search")
    assert job.state is JobState.DONE
    assert job.result is not None
    [hit] = job.result["hits"]
    assert hit["document"] == "notes.txt"
    assert hit["rank"] == 1
    assert "Bananas are yellow." in hit["text"]


async def test_term_files_are_made_again_from_the_store(world: World) -> None:
    """They are derived: deleted, they come back and find the same."""
    built = await world.build(await world.corpus(), "bm25")
    assert built.result is not None
    before = await (await world.indexing.open("default", built.result["digest"])).search("gate decision")
    shutil.rmtree(world.indexing.settings.data_dir / "bm25")
    world.indexing.recent.forget(built.result["digest"])
    after = await (await world.indexing.open("default", built.result["digest"])).search("gate decision")
    assert after == before


async def test_an_embedder_that_moved_is_refused(world: World) -> None:
    """Questions are embedded by the very embedder that the chunks were, or not at all."""
    built = await world.build(await world.corpus())
    assert built.result is not None
    world.indexing.inference._embedders["minilm"] = HashedWords(dimension=32)
    with pytest.raises(ModelFailed, match="built with"):
        await world.indexing.open("default", built.result["digest"])


async def test_a_question_is_embedded_once(world: World) -> None:
    """Suites ask the same questions of every index."""
    built = await world.build(await world.corpus())
    assert built.result is not None
    world.embedder.batches.clear()
    for _ in range(3):
        index = await world.indexing.open("default", built.result["digest"])
        await index.search("What is a gate?")
    assert world.embedder.batches == [1]


def test_questions_learnt_at_once_are_embedded_as_questions() -> None:
    """Many an embedder puts other words before a question than before a passage."""

    class Prompted(HashedWords):
        def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return self.embed([f"query {text}" for text in texts])

    embedder, queries = Prompted(), QueryVectors()
    queries.learn(embedder, ["What is a gate?"])
    assert queries.of(embedder, "What is a gate?").tolist() == embedder.embed_queries(["What is a gate?"])[0].tolist()


async def test_scores_are_fused_by_weight(world: World) -> None:
    """The manifest pins the weight in place of `rrf_k`; nearly all of it to one side gives that side's order."""
    corpus = await world.corpus()
    orders = {}
    for name, recipe in {
        "terms": RetrieverRecipe("bm25"),
        "mostly terms": RetrieverRecipe("hybrid", dense_weight=1),
        "both": RetrieverRecipe("hybrid", dense_weight=30),
    }.items():
        await world.indexing.request_build(ADMIN, "default", "docs", Recipe(corpus, recipe), Provenance())
        job = await world.work("build")
        assert job.result is not None
        index = await world.indexing.open("default", job.result["digest"])
        orders[name] = [hit.chunk_id for hit in await index.search("gate decision")]
    assert orders["mostly terms"][: len(orders["terms"])] == orders["terms"]
    assert index.manifest.retriever.dense_weight == 30
    assert index.manifest.retriever.rrf_k is None
    assert orders["both"]


def test_weighed_scores_by_hand() -> None:
    """BM25 over its best, cosines between the last candidate and the best; equal sums keep the corpus's order."""
    terms, dense = [(3, 8.0), (1, 4.0)], [(2, 0.9), (1, 0.7), (0, 0.5)]
    assert dict(weighed(terms, dense, 40)) == pytest.approx({3: 0.6, 1: 0.3 + 0.2, 2: 0.4, 0: 0.0})
    assert weighed(terms, [], 40) == [(3, 0.6), (1, 0.3)]
    assert weighed([], [], 40) == []
    assert weighed([], [(5, 0.2), (4, 0.2)], 40) == [(4, 0.4), (5, 0.4)]


@given(st.lists(st.permutations(range(6)), min_size=1, max_size=3), st.integers(1, 100))
def test_fusion_sums_reciprocal_ranks(orders: list[list[int]], rrf_k: int) -> None:
    """Against the formula written out; equal sums keep the corpus's order."""
    rankings = [[(ordinal, 0.0) for ordinal in order] for order in orders]
    expected = {n: sum(1 / (rrf_k + order.index(n) + 1) for order in orders) for n in range(6)}
    result = fused(rankings, rrf_k)
    assert dict(result) == pytest.approx(expected)
    assert result == sorted(result, key=lambda one: (-one[1], one[0]))
