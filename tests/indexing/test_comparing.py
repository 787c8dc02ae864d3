"""Two index versions beside each other: what they hold."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.indexing.comparing import contents_difference
from sekisho.kernel.errors import NotFound
from tests.indexing.worlds import DOCUMENTS, ENGLISH, World


async def built(world: World, documents: dict[str, str], mode: str = "dense", **options: Any) -> str:
    job = await world.build(await world.corpus(documents), mode, **options)
    assert job.result is not None
    return str(job.result["digest"])


async def difference(world: World, before: str, after: str) -> dict[str, Any]:
    return contents_difference(*[await world.indexing.contents("default", digest) for digest in (before, after)])


async def test_what_was_never_built_cannot_be_compared(world: World) -> None:
    """Not in this project: another's indexes are not seen."""
    digest = await built(world, DOCUMENTS)
    with pytest.raises(NotFound):
        await world.indexing.contents("other", digest)


async def test_an_index_does_not_differ_from_itself(world: World) -> None:
    """Nothing came, went or changed, and every chunk is kept."""
    digest = await built(world, DOCUMENTS)
    found = await difference(world, digest, digest)
    assert found["parameters"] == []
    assert found["chunks"]["kept"] == found["chunks"]["before"] == found["chunks"]["after"]
    assert {found["documents"][what]["count"] for what in ("added", "removed", "changed")} == {0}
    assert {found["chunks"][what]["count"] for what in ("added", "removed")} == {0}
    assert found["vectors"] == {"same_embedder": True, "other_bits": {"count": 0, "first": []}}


async def test_documents_and_chunks_that_differ_are_named(world: World) -> None:
    """One document more, one less, one edited: an edited passage is one chunk removed and one added."""
    before = await built(world, DOCUMENTS)
    edited = ENGLISH.replace("It never allows on silence.", "It denies on silence.")
    after = await built(world, {"en/gate.md": edited, "notes.txt": DOCUMENTS["notes.txt"], "new.md": "# New\n\nYes."})
    found = await difference(world, before, after)
    assert found["documents"]["added"] == {"count": 1, "first": ["new.md"]}
    assert found["documents"]["removed"] == {"count": 1, "first": ["ja/approval.md"]}
    assert found["documents"]["changed"] == {"count": 1, "first": ["en/gate.md"]}
    japanese = sum(one.chunk_id in found["chunks"]["removed"]["first"] for one in await chunks(world, before))
    assert found["chunks"]["removed"]["count"] == japanese
    assert found["chunks"]["added"]["count"] == 2
    assert found["chunks"]["kept"] == found["chunks"]["after"] - 2


async def test_parameters_that_differ_are_named(world: World) -> None:
    """By their path in the manifest, with both values; what one of them lacks is null there."""
    before = await built(world, DOCUMENTS, "dense", k=3)
    after = await built(world, DOCUMENTS, "hybrid", k=3)
    found = {
        one["path"]: (one["before"], one["after"]) for one in (await difference(world, before, after))["parameters"]
    }
    assert found["retriever.mode"] == ("dense", "hybrid")
    assert found["retriever.rrf_k"] == (None, 10)
    assert "retriever.k" not in found


async def chunks(world: World, digest: str) -> Any:
    return (await world.indexing.contents("default", digest)).chunks
