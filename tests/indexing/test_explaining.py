"""Why a search gives what it gives."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.indexing.explaining import explained
from tests.indexing.worlds import ADMIN, World


async def found(world: World, mode: str, query: str, k: int | None = None, **options: Any) -> dict[str, Any]:
    built = await world.build(await world.corpus(), mode, **options)
    assert built.result is not None
    index = await world.indexing.open("default", built.result["digest"])
    return (await explained(index, query, k)).to_json()


async def test_hybrid_says_both_ranks_and_the_shared_terms(world: World) -> None:
    """The fused score is the sum over the two ranks said; the terms' scores add up to the BM25 score said."""
    result = await found(world, "hybrid", "when is a decision signed with a key", 5)
    assert result["vectors_abstained"] is False
    assert result["hits"][0]["document"] == "en/gate.md"
    for hit in result["hits"]:
        why = hit["why"]
        ranks = [rank for rank in (why["dense_rank"], why["bm25_rank"]) if rank is not None]
        assert hit["score"] == pytest.approx(sum(1 / (10 + rank) for rank in ranks), abs=1e-8)
        assert why["bm25_score"] == pytest.approx(sum(one["score"] for one in why["terms"]), abs=1e-6)
        assert -1 <= why["dense_score"] <= 1.000001
    best = {one["term"] for one in result["hits"][0]["why"]["terms"]}
    assert {"decision", "signed", "key"} <= best


async def test_a_single_list_says_nothing_of_the_other(world: World) -> None:
    """Dense knows no terms, BM25 no vectors; the score said is the hit's own."""
    dense = await found(world, "dense", "bananas")
    assert {hit["why"]["bm25_score"] for hit in dense["hits"]} == {None}
    assert [hit["why"]["dense_rank"] for hit in dense["hits"]] == [hit["rank"] for hit in dense["hits"]]
    assert all(hit["why"]["dense_score"] == pytest.approx(hit["score"], abs=1e-6) for hit in dense["hits"])
    terms = await found(world, "bm25", "bananas bananas yellow")
    assert {hit["why"]["dense_score"] for hit in terms["hits"]} == {None}
    assert terms["hits"]
    assert all(hit["why"]["bm25_score"] == pytest.approx(hit["score"], abs=1e-5) for hit in terms["hits"])


async def test_abstaining_vectors_are_said(world: World) -> None:
    """A question in a script that the embedder does not read: terms alone, and the answer says so."""
    result = await found(world, "hybrid", "承認はいつ失効しますか", dense_scripts=("latin",))
    assert result["vectors_abstained"] is True
    assert result["hits"][0]["document"] == "ja/approval.md"
    assert result["hits"][0]["why"]["dense_score"] is None
    assert result["hits"][0]["why"]["dense_rank"] is None


async def test_a_search_job_explains_where_it_is_asked_to(world: World) -> None:
    """Through the queue; without the wish the result is as it was."""
    await world.build(await world.corpus(), "hybrid")
    for why in (True, False):
        await world.indexing.request_search(ADMIN, "default", "index/docs", "bananas", 1, why=why)
        job = await world.work("search")
        assert job.result is not None
        [hit] = job.result["hits"]
        assert ("why" in hit) is why
        assert ("vectors_abstained" in job.result) is why
