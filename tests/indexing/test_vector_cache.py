"""The vector cache: what it finds, what it gives up, and that it never gives a wrong vector."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sekisho.indexing.vector_cache import TURNS_ALIKE, VectorCache

DIMENSION = 384


@pytest.fixture
def cache(tmp_path: Path) -> VectorCache:
    return VectorCache(tmp_path / "cache.sqlite3", most_bytes=10_000_000)


def rows(count: int, seed: int = 7) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)


def test_nothing_is_known_of_another_embedder_or_text(cache: VectorCache) -> None:
    """Both the embedder's digest and the text decide."""
    cache.keep("sha256:a", ["one"], rows(1))
    assert cache.known("sha256:b", ["one"]) == {}
    assert cache.known("sha256:a", ["One"]) == {}


def test_what_was_kept_comes_back_bit_by_bit(cache: VectorCache) -> None:
    """In any order, for each place that the text stands at."""
    texts, made = [f"text {n}" for n in range(1200)], rows(1200)
    cache.keep("sha256:a", texts, made)
    known = cache.known("sha256:a", ["absent", *reversed(texts), "text 0"])
    assert 0 not in known
    assert len(known) == 1201
    assert known[1].tobytes() == made[-1].tobytes()
    assert known[1200].tobytes() == known[1201].tobytes() == made[0].tobytes()


def test_a_damaged_vector_is_absent(cache: VectorCache) -> None:
    """A flipped bit, or a vector moved to another text, does not match its seal."""
    cache.keep("sha256:a", ["one", "two", "three"], rows(3))
    with sqlite3.connect(cache.file) as db:
        held = [vector for (vector,) in db.execute("SELECT vector FROM vectors ORDER BY rowid")]
        db.execute("UPDATE vectors SET vector = ? WHERE rowid = 1", (held[1],))
        db.execute("UPDATE vectors SET vector = ? WHERE rowid = 2", (held[1][:-1] + b"\x01",))
    db.close()
    assert list(cache.known("sha256:a", ["one", "two", "three"])) == [2]


def test_a_broken_file_is_begun_again(cache: VectorCache) -> None:
    """It is derived: what it knew is gone, and it works."""
    cache.keep("sha256:a", ["one"], rows(1))
    cache.file.write_bytes(b"no database at all" * 1000)
    assert cache.known("sha256:a", ["one"]) == {}
    cache.touch()
    cache.keep("sha256:a", ["one"], rows(1))
    assert list(cache.known("sha256:a", ["one"])) == [0]


def test_the_longest_unused_are_given_up_first(tmp_path: Path) -> None:
    """The file stays within its bound; what a later build asked for outlives what it did not."""
    cache = VectorCache(tmp_path / "cache.sqlite3", most_bytes=8_000_000)
    texts = [f"text {n}" for n in range(3000)]
    cache.keep("sha256:a", texts, rows(3000))
    for _ in range(TURNS_ALIKE):
        cache.touch()
    assert len(cache.known("sha256:a", texts[:100])) == 100
    cache.keep("sha256:a", [f"more {n}" for n in range(2500)], rows(2500, seed=8))
    assert cache.size() <= 8_000_000
    assert len(cache.known("sha256:a", texts[:100])) == 100
    assert len(cache.known("sha256:a", texts)) < 3000


def test_a_forgotten_text_is_forgotten_for_every_embedder(cache: VectorCache) -> None:
    """What is erased from the corpora leaves no vector here."""
    for embedder in ("sha256:a", "sha256:b"):
        cache.keep(embedder, ["secret", "open"], rows(2))
    assert cache.forget(["secret", "never seen"]) == 2
    assert list(cache.known("sha256:b", ["secret", "open"])) == [1]
    assert VectorCache(cache.file.with_name("none.sqlite3"), 1).forget(["secret"]) == 0
