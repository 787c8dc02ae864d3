"""The contract of the vector store, held by the embedded Chroma and by a Chroma server."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from sekisho.indexing.chroma import Chroma
from sekisho.indexing.types import Chunk
from sekisho.indexing.vectors import VectorStore
from sekisho.kernel.errors import Unavailable
from tests.conftest import service_url


@pytest.fixture(params=["embedded", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    if request.param == "embedded":
        store = Chroma(folder=tmp_path / "chroma")
    else:
        store = Chroma(url=service_url("SEKISHO_TEST_CHROMA_URL"))
    yield store
    store.close()


@pytest.fixture
def name(store: VectorStore) -> Iterator[str]:
    """A collection's name of this test's own."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    for suffix in ("", "-staging"):
        store.delete(name + suffix)


def chunks(count: int) -> list[tuple[int, Chunk]]:
    made = (Chunk(f"{n:032x}", "a.md", "A > B", "ja", f"第{n}章 text", 5) for n in range(count))
    return list(enumerate(made))


def unit(count: int, dimension: int = 8) -> NDArray[np.float32]:
    rows = np.random.default_rng(7).normal(size=(count, dimension)).astype(np.float32)
    normal: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return normal


def test_a_collection_that_is_not_there_is_empty(store: VectorStore, name: str) -> None:
    """No count, no root, nothing to scan, nothing to delete."""
    assert store.count(name) is None
    assert store.vectors_root(name) is None
    assert list(store.scan(name)) == []
    assert store.some(name, ["x"]) == {}
    store.delete(name)


def test_what_goes_in_comes_out_bit_by_bit(store: VectorStore, name: str) -> None:
    """Text, metadata and every bit of every vector, over more than one page and more than one batch."""
    put, rows = chunks(6100), unit(6100)
    store.create(name)
    store.add(name, put, rows)
    found = {stored.id: stored for stored in store.scan(name)}
    assert store.count(name) == len(found) == 6100
    for ordinal, chunk in put:
        stored = found[chunk.id]
        assert stored.hash == chunk.hash
        assert stored.ordinal == ordinal
        assert stored.vector.tobytes() == rows[ordinal].tobytes()


def test_reading_may_stop_in_the_middle(store: VectorStore, name: str) -> None:
    """The page that is on its way then is let go."""
    store.create(name)
    store.add(name, chunks(2100), unit(2100))
    scan = store.scan(name)
    assert next(scan).text.endswith("text")
    scan.close()  # type: ignore[attr-defined]
    assert len(list(store.scan(name))) == 2100


def answers() -> list[httpx.Response]:
    return [one for one in gc.get_objects() if type(one) is httpx.Response]


def test_no_answer_outlives_its_page(store: VectorStore, name: str) -> None:
    """A server's answers are megabytes each, and the collector may be long in coming."""
    store.create(name)
    store.add(name, chunks(2100), unit(2100))
    gc.collect()
    others = {id(one) for one in answers()}
    gc.disable()
    try:
        assert sum(1 for _ in store.scan(name)) == 2100
        assert not [one for one in answers() if id(one) not in others]
    finally:
        gc.enable()


def test_creating_again_begins_anew(store: VectorStore, name: str) -> None:
    """What a killed attempt left is not added to."""
    for _ in range(2):
        store.create(name)
        store.add(name, chunks(3), unit(3))
        assert store.count(name) == 3


def test_publishing_is_one_step_and_only_once(store: VectorStore, name: str) -> None:
    """The collection gets its name with its root; a second one does not take the name."""
    staging = name + "-staging"
    store.create(staging)
    store.add(staging, chunks(2), unit(2))
    assert store.publish(staging, name, "sha256:root")
    assert store.count(staging) is None
    assert store.vectors_root(name) == "sha256:root"
    assert store.count(name) == 2
    store.create(staging)
    assert not store.publish(staging, name, "sha256:other")
    assert store.vectors_root(name) == "sha256:root"
    assert {name, staging} <= set(store.names())


def test_the_nearest_are_found_by_inner_product(store: VectorStore, name: str) -> None:
    """The same ids and scores as a plain product; k beyond the end gives all; an empty collection gives none."""
    rows = unit(50)
    store.create(name)
    assert store.nearest(name, rows[0], 5) == []
    store.add(name, chunks(50), rows)
    exact = rows.astype(np.float64) @ rows[9].astype(np.float64)
    best = sorted(range(50), key=lambda n: -exact[n])[:5]
    found = dict(store.nearest(name, rows[9], 5))
    assert set(found) == {f"{n:032x}" for n in best}
    assert found[f"{9:032x}"] == pytest.approx(exact[9], abs=1e-12)
    assert len(store.nearest(name, rows[9], 500)) == 50


def test_a_chunk_that_was_changed_has_another_hash(store: VectorStore, name: str) -> None:
    """The hash is computed from what is there, not read from it."""
    [(_, chunk)] = chunks(1)
    store.create(name)
    store.add(name, [(0, replace(chunk, text="changed"))], unit(1))
    assert store.some(name, [chunk.id])[chunk.id].hash != chunk.hash


def test_a_server_that_is_away_is_named() -> None:
    """The error says which address, and which setting to look at."""
    with pytest.raises(Unavailable, match=r"127.0.0.1:9") as raised:
        Chroma(url="http://127.0.0.1:9").names()
    assert "SEKISHO_CHROMA_URL" in (raised.value.remedy or "")


def test_documents_are_told_of_every_chunk(store: VectorStore, name: str) -> None:
    """Path and language, as they were written; nothing of a collection that is not there."""
    assert store.documents(name) == {}
    store.create(name)
    store.add(name, chunks(30), unit(30))
    assert store.documents(name) == {chunk.id: ("a.md", "ja") for _, chunk in chunks(30)}


def test_the_nearest_come_whole_in_one_answer(store: VectorStore, name: str) -> None:
    """The same ids and scores as without, with every word and bit of each."""
    put, rows = chunks(30), unit(30)
    store.create(name)
    assert store.nearest_whole(name, rows[3], 5) == []
    store.add(name, put, rows)
    whole = store.nearest_whole(name, rows[3], 5)
    assert sorted((stored.id, score) for stored, score in whole) == sorted(store.nearest(name, rows[3], 5))
    for stored, _ in whole:
        ordinal, chunk = put[int(stored.id, 16)]
        assert (stored.hash, stored.ordinal) == (chunk.hash, ordinal)
        assert stored.vector.tobytes() == rows[ordinal].tobytes()


def test_what_was_put_in_its_place_is_asked_and_not_what_was_open(store: VectorStore, name: str) -> None:
    """A collection that was asked before and is then deleted, by anyone, or published anew, is not answered from."""
    staging = name + "-staging"
    store.create(name)
    store.add(name, chunks(3), unit(3))
    assert len(store.some(name, [f"{2:032x}"])) == 1
    other = store if not isinstance(store, Chroma) or not store._url else Chroma(url=store._url)
    other.create(staging)
    other.add(staging, chunks(1), unit(1))
    other.delete(name)
    assert store.some(name, [f"{2:032x}"]) == {}
    assert other.publish(staging, name, "sha256:root")
    assert store.some(name, [f"{2:032x}"]) == {}
    assert [stored.id for stored, _ in store.nearest_whole(name, unit(1)[0], 5)] == [f"{0:032x}"]
    if other is not store:
        other.close()
