"""Builds: what is refused, what is recorded, what a second one does, and what a killed one leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sekisho.identity.types import Actor, PrincipalKind, Role
from sekisho.indexing.types import ChunkerRecipe, Recipe, RetrieverRecipe
from sekisho.kernel.errors import Archived, Forbidden, IntegrityFailed, Invalid, NotFound
from sekisho.kernel.jobs import JobState, LeaseLost
from sekisho.kernel.references import Kind, parse_reference
from sekisho.registry.types import Provenance
from tests.indexing.worlds import ADMIN, DOCUMENTS, World


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chunker": ChunkerRecipe(max_tokens=20, overlap=20)}, r"\$\.chunker\.overlap"),
        ({"retriever": RetrieverRecipe("dense", rrf_k=60)}, r"\$\.retriever\.rrf_k"),
        ({"retriever": RetrieverRecipe("bm25", dense_weight=30)}, r"\$\.retriever\.dense_weight"),
        ({"retriever": RetrieverRecipe("hybrid", rrf_k=60, dense_weight=30)}, r"\$\.retriever\.rrf_k"),
        ({"embedder": "word2vec"}, r"\$\.embedder"),
        ({"corpus": "agent/docs@latest"}, "no corpus|is no agent/docs|there is no agent"),
    ],
)
async def test_a_recipe_that_cannot_be_built_is_refused(world: World, change: dict[str, Any], field: str) -> None:
    """Before anything is queued, naming the field."""
    recipe: dict[str, Any] = {"corpus": await world.corpus(), "retriever": RetrieverRecipe("dense"), **change}
    with pytest.raises((Invalid, NotFound), match=field):
        await world.indexing.request_build(ADMIN, "default", "docs", Recipe(**recipe), Provenance())
    assert await world.jobs.claim(["build"], "worker-1") is None


async def test_a_reader_may_not_build(world: World) -> None:
    """Building registers: it takes a role that may."""
    corpus = await world.corpus()
    viewer = Actor("vera", PrincipalKind.PERSON, {"default": frozenset({Role.VIEWER})}, None, "t", None)
    recipe = Recipe(corpus, RetrieverRecipe("dense"))
    with pytest.raises(Forbidden):
        await world.indexing.request_build(viewer, "default", "docs", recipe, Provenance())


async def test_an_archived_corpus_is_not_built_from(world: World) -> None:
    """It answers, but takes nothing new."""
    corpus = await world.corpus()
    await world.registry.archive(ADMIN, parse_reference("corpus/handbook"))
    with pytest.raises(Archived):
        await world.request(corpus)


async def test_a_build_registers_what_it_built(world: World) -> None:
    """Version, record, ledger entries and the job's result agree; every chunk stands in the store under its hash."""
    corpus = await world.corpus()
    job = await world.build(corpus, "hybrid")
    assert job.state is JobState.DONE
    assert job.result is not None
    async with world.database.read() as tx:
        version = await world.registry.find(tx, parse_reference("index/docs@latest"))
        integrity = await world.indexing.integrity(tx, "default", version.digest)
    page = await world.indexing.builds(ADMIN, "default", None, 10)
    [record] = page.items
    manifest = version.manifest
    assert job.result["digest"] == version.digest == record.digest
    assert job.result["reference"] == "default/index/docs@v1"
    assert manifest["corpus"] == corpus
    assert manifest["chunks"] == {"count": record.chunks, "root": record.chunks_root}
    assert manifest["embedder"]["digest"] == world.embedder.digest
    assert "vectors_root" not in str(manifest)
    assert integrity["integrity"] == "verified"
    assert (await world.kinds())[-2:] == ["version.registered", "index.built"]
    assert world.indexing.vectors.names() == [version.digest.replace(":", "-")]


async def test_building_again_gives_the_same_digest_and_embeds_nothing(world: World) -> None:
    """The same recipe is the same index, with one registration more."""
    corpus = await world.corpus()
    first = await world.build(corpus)
    world.embedder.batches.clear()
    again = await world.build(corpus)
    assert first.result is not None
    assert again.result is not None
    assert again.result["digest"] == first.result["digest"]
    assert again.result["vectors_root"] == first.result["vectors_root"]
    assert (first.result["new"], again.result["new"]) == (True, False)
    assert world.embedder.batches == []


async def test_another_retriever_is_another_index_with_the_same_vectors(world: World) -> None:
    """The digest differs; the vectors are the ones of the first index, not made again."""
    corpus = await world.corpus()
    dense = await world.build(corpus, "dense")
    world.embedder.batches.clear()
    hybrid = await world.build(corpus, "hybrid")
    assert dense.result is not None
    assert hybrid.result is not None
    assert hybrid.result["digest"] != dense.result["digest"]
    assert hybrid.result["vectors_root"] == dense.result["vectors_root"]
    assert hybrid.result["embedded"] == 0
    assert world.embedder.batches == []


async def test_two_projects_may_build_the_same_index(world: World) -> None:
    """Each has its own version and record; neither sees the other's."""
    first = await world.build(await world.corpus())
    second = await world.build(await world.corpus(project="other"), project="other")
    assert first.result is not None
    assert second.result is not None
    assert first.result["digest"] == second.result["digest"]
    page = await world.indexing.builds(ADMIN, "other", None, 10)
    assert [record.project for record in page.items] == ["other"]
    with pytest.raises(NotFound):
        await world.indexing.open("third", first.result["digest"])


async def test_a_corpus_without_words_is_refused(world: World) -> None:
    """Nothing to index is an error of the input, and leaves nothing behind."""
    await world.request(await world.corpus({"a.md": "# Only a heading\n"}))
    with pytest.raises(Invalid, match="holds no words"):
        await world.indexing.build(await world.claim("build"))
    assert "index.built" not in await world.kinds()


async def test_a_chunk_longer_than_the_embedder_reads_is_refused(world: World) -> None:
    """The limit is the embedder's own."""
    recipe = Recipe(await world.corpus(), RetrieverRecipe("dense"), ChunkerRecipe(max_tokens=300))
    await world.indexing.request_build(ADMIN, "default", "docs", recipe, Provenance())
    with pytest.raises(Invalid, match=r"at most 256"):
        await world.indexing.build(await world.claim("build"))


async def test_a_cancelled_build_leaves_nothing(world: World) -> None:
    """The job ends as cancelled; no version, no collection."""
    queued = await world.request(await world.corpus())
    job = await world.claim("build")
    await world.indexing.cancel(ADMIN, "default", "build", queued.id)
    await world.indexing.build(job)
    assert (await world.jobs.one("default", job.id)).state is JobState.CANCELLED
    assert world.indexing.vectors.names() == []
    assert "index.built" not in await world.kinds()


async def test_a_worker_that_lost_its_lease_registers_nothing(world: World) -> None:
    """Another worker has the job: the first one's end does not count, the second one's does, with the same digest."""
    await world.request(await world.corpus())
    slow = await world.claim("build")
    world.clock.advance(31_000)
    fresh = await world.claim("build", "worker-2")
    with pytest.raises(LeaseLost):
        await world.indexing.build(slow)
    assert "index.built" not in await world.kinds()
    await world.indexing.build(fresh)
    assert (await world.kinds()).count("index.built") == 1


class Dies(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", ["create", "embed", "add", "publish", "record"])
async def test_a_build_that_dies_is_done_again_with_the_same_digest(
    world: World, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops nothing is registered, and the next attempt ends as if it were the first."""
    corpus = await world.corpus({f"{n}.md": text for n in range(30) for text in DOCUMENTS.values()})
    await world.request(corpus)
    job = await world.claim("build")

    def dies(*_: object, **__: object) -> Any:
        raise Dies

    with monkeypatch.context() as broken:
        # A killed process cleans nothing up.
        broken.setattr(type(world.indexing.vectors), "delete", lambda *_: None)
        match step:
            case "embed":
                broken.setattr(world.embedder, "embed", dies)
            case "record":
                broken.setattr(type(world.registry), "register_in", dies)
            case _:
                broken.setattr(type(world.indexing.vectors), step, dies)
        with pytest.raises(Dies):
            await world.indexing.build(job)
    assert "index.built" not in await world.kinds()
    world.clock.advance(31_000)
    done = await world.work("build", owner="worker-2")
    assert done.result is not None
    assert world.indexing.vectors.names() == [done.result["digest"].replace(":", "-")]
    again = await world.build(corpus)
    assert again.result is not None
    assert again.result["digest"] == done.result["digest"]
    verified = await world.verify(done.result["digest"])
    assert verified.result is not None
    assert verified.result["integrity"] == "verified"


async def test_a_store_that_keeps_something_else_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written is read back before it is recorded."""
    await world.request(await world.corpus())
    job = await world.claim("build")
    store = type(world.indexing.vectors)
    add = store.add

    def flips(self: Any, name: str, chunks: Any, vectors: NDArray[np.float32]) -> None:
        rows = vectors.copy()
        rows[0, 0] += np.float32(0.001)
        add(self, name, chunks, rows)

    monkeypatch.setattr(store, "add", flips)
    with pytest.raises(IntegrityFailed, match="altered vectors"):
        await world.indexing.build(job)
    assert "index.built" not in await world.kinds()


async def test_progress_counts_chunks(world: World) -> None:
    """While it works, the job says how many chunks of how many."""
    job = await world.build(await world.corpus())
    assert job.result is not None
    assert job.progress.unit == "chunks"
    assert job.progress.done == job.progress.total == job.result["chunks"]


async def test_only_builds_are_builds(world: World) -> None:
    """A job of another kind or project is not found as a build."""
    job = await world.build(await world.corpus())
    assert (await world.indexing.job(ADMIN, "default", "build", job.id)).id == job.id
    for project, kind in (("default", "search"), ("other", "build")):
        with pytest.raises(NotFound):
            await world.indexing.job(ADMIN, project, kind, job.id)
    assert await asyncio.to_thread(world.indexing.vectors.names)
    async with world.database.read() as tx:
        assert (await world.registry.find(tx, parse_reference("index/docs@v1"))).kind is Kind.INDEX


async def test_a_changed_document_costs_only_its_own_chunks(world: World) -> None:
    """What did not change is known, in any index: in this corpus's next version, and in a corpus of another project."""
    documents = {f"{n}.md": f"# Rule {n}\n\nThe gate number {n} asks the engine." for n in range(40)}
    first = await world.build(await world.corpus(documents))
    assert first.result is not None
    assert first.result["embedded"] == 40
    changed = await world.build(await world.corpus({**documents, "7.md": "# Rule 7\n\nNow it asks twice."}))
    assert changed.result is not None
    assert changed.result["embedded"] == 1
    moved = {f"moved/{path}": text for path, text in documents.items()}
    other = await world.build(await world.corpus(moved, project="other"), project="other")
    assert other.result is not None
    assert other.result["embedded"] == 0


async def test_a_text_that_stands_twice_is_embedded_once(world: World) -> None:
    """Each place is a chunk of its own, with the same vector."""
    job = await world.build(await world.corpus({f"{n}.md": "# Same\n\nThe same words.\n" for n in range(5)}))
    assert job.result is not None
    assert (job.result["chunks"], job.result["embedded"]) == (5, 1)
    assert sum(world.embedder.batches) == 1


async def test_a_build_goes_on_from_what_a_dead_one_embedded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the texts that it had not come to are embedded after it."""
    documents = {f"{n}.md": f"# Rule {n}\n\nThe gate number {n} asks the engine." for n in range(200)}
    await world.request(await world.corpus(documents))
    job = await world.claim("build")
    embed = world.embedder.embed

    def dies_at_the_third(texts: Any) -> Any:
        if len(world.embedder.batches) == 2:
            raise Dies
        return embed(texts)

    with monkeypatch.context() as broken:
        broken.setattr(world.embedder, "embed", dies_at_the_third)
        with pytest.raises(Dies):
            await world.indexing.build(job)
    before = sum(world.embedder.batches)
    world.clock.advance(31_000)
    done = await world.work("build", owner="worker-2")
    assert done.result is not None
    assert before == 128
    assert done.result["embedded"] == 200 - before


async def test_a_lost_cache_costs_time_and_nothing_else(world: World) -> None:
    """The same corpus in a worker without the cache gives the same digest and the same vectors."""
    corpus = await world.corpus()
    first = await world.build(corpus, "dense")
    world.indexing.vector_cache.file.unlink()
    again = await world.build(corpus, "hybrid")
    assert first.result is not None
    assert again.result is not None
    assert again.result["embedded"] > 0
    assert again.result["vectors_root"] == first.result["vectors_root"]


@pytest.mark.parametrize("chunker", ["markdown", "html", "sentence", "tokens", "japanese"])
async def test_every_chunker_builds_and_is_named_with_its_version(world: World, chunker: Any) -> None:
    """The manifest pins it; another chunker is another index."""
    recipe = Recipe(await world.corpus(), RetrieverRecipe("hybrid"), ChunkerRecipe(chunker, max_tokens=30, overlap=5))
    await world.indexing.request_build(ADMIN, "default", "docs", recipe, Provenance())
    job = await world.work("build")
    assert job.result is not None
    index = await world.indexing.open("default", job.result["digest"])
    assert (index.manifest.chunker.name, index.manifest.chunker.version) == (chunker, 2)
    assert (await index.search("承認はいつ失効しますか"))[0].document == "ja/approval.md"


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_the_same_corpus_and_recipe_give_the_same_digest(world: World, data: st.DataObject) -> None:
    """However often, in whatever order the documents were declared, with and without what was embedded before."""
    words = st.text(alphabet=st.sampled_from("ab .\n#関所。"), min_size=3, max_size=60).map(lambda text: f"gate {text}")
    documents = data.draw(st.dictionaries(st.sampled_from(["a.md", "b.md", "c.txt", "ja/d.md"]), words, min_size=1))
    turned = dict(sorted(documents.items(), key=lambda one: one[0], reverse=True))
    digests = set()
    for declared in (documents, turned):
        world.indexing.vector_cache.file.unlink(missing_ok=True)
        job = await world.build(await world.corpus(declared))
        assert job.result is not None
        digests.add((job.result["digest"], job.result["vectors_root"]))
    assert len(digests) == 1
