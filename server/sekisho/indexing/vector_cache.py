"""Vectors by what they were made from, in a file of the worker's data folder: nothing is embedded twice.

The key is the embedder's digest and the text's sha256, so any index over any corpus finds them, and a build that was
killed goes on from what it had embedded. The file is derived: lost or broken, it is begun again, and only time is lost.
It stands beside the vectors and not in the database, which would grow by a kilobyte and a half for every chunk that
ever was, on every backup and every replica.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ASKED_AT_ONCE: Final = 500
_SEAL_BYTES: Final = 8
_KEPT_AFTER_EVICTION: Final = 0.9
TURNS_ALIKE: Final = 8
"""Turns of use that count as one: saying of every vector that it was used again takes longer than reading it."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS vectors (
    text BLOB NOT NULL, embedder BLOB NOT NULL, vector BLOB NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (text, embedder)
);
CREATE INDEX IF NOT EXISTS vectors_used ON vectors (used);
"""


@dataclass
class VectorCache:
    """At most about `most_bytes` of vectors, the ones that no build asked for longest given up first, to a few builds.

    Its methods block: call them from a thread. Any thread may, one at a time gets its turn. What cannot be read is
    absent, never wrong: each vector is sealed with a digest over itself and its key.
    """

    file: Path
    most_bytes: int
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def known(self, embedder: str, texts: Sequence[str]) -> Mapping[int, NDArray[np.float32]]:
        """Vectors of those of the texts that were embedded before, by their place in the list."""
        places: dict[bytes, list[int]] = {}
        for place, text in enumerate(texts):
            places.setdefault(text_key(text), []).append(place)
        found = self._found(_embedder_key(embedder), list(places))
        return {place: vector for key, vector in found.items() for place in places[key]}

    def keep(self, embedder: str, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Remember what the embedder made of the texts, one row each; written when this returns."""
        owner = _embedder_key(embedder)
        keys = [text_key(text) for text in texts]
        packed = [_packed(owner, key, row) for key, row in zip(keys, vectors, strict=True)]
        with self._turn:
            try:
                self._write([(key, owner, data) for key, data in zip(keys, packed, strict=True)])
            except sqlite3.DatabaseError:
                self._begin_again()

    def forget(self, texts: Sequence[str]) -> int:
        """Remove what any embedder made of the texts; gives how many vectors that were."""
        if not self.file.exists():
            return 0
        with self._turn, closing(self._open()) as db, db:
            return sum(db.execute("DELETE FROM vectors WHERE text = ?", (text_key(text),)).rowcount for text in texts)

    def touch(self) -> None:
        """Begin a new turn of use: what is asked for from now on outlives what was asked for before."""
        with self._turn:
            try:
                with closing(self._open()) as db, db:
                    db.execute(f"PRAGMA user_version = {self._generation(db) + 1}")
            except sqlite3.DatabaseError:
                self._begin_again()

    def size(self) -> int:
        """Bytes that the vectors take on the disk, without pages that are free again."""
        if not self.file.exists():
            return 0
        with self._turn, closing(self._open()) as db:
            return _used_bytes(db)

    def _found(self, owner: bytes, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        with self._turn:
            try:
                with closing(self._open()) as db, db:
                    rows = list(_rows(db, owner, keys))
                    now = self._generation(db)
                    stale = [(now, key, owner) for key, _, used in rows if used <= now - TURNS_ALIKE]
                    db.executemany("UPDATE vectors SET used = ? WHERE text = ? AND embedder = ?", stale)
            except sqlite3.DatabaseError:
                self._begin_again()
                return {}
        opened = ((key, _unpacked(owner, key, data)) for key, data, _ in rows)
        return {key: vector for key, vector in opened if vector is not None}

    def _write(self, rows: Sequence[tuple[bytes, bytes, bytes]]) -> None:
        with closing(self._open()) as db:
            with db:
                now = self._generation(db)
                db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", [(*row, now) for row in rows])
            if _used_bytes(db) > self.most_bytes:
                self._evict(db)

    def _evict(self, db: sqlite3.Connection) -> None:
        """Down to nine tenths of the bound, so that not every write finds the file full."""
        share = 1 - self.most_bytes * _KEPT_AFTER_EVICTION / _used_bytes(db)
        with db:
            count = int(db.execute("SELECT COUNT(*) FROM vectors").fetchone()[0])
            oldest = "SELECT rowid FROM vectors ORDER BY used, rowid LIMIT ?"
            db.execute(f"DELETE FROM vectors WHERE rowid IN ({oldest})", (math.ceil(count * share),))  # noqa: S608

    @staticmethod
    def _generation(db: sqlite3.Connection) -> int:
        return int(db.execute("PRAGMA user_version").fetchone()[0])

    def _open(self) -> sqlite3.Connection:
        """A connection of this call's own: builds ask seldom, and a process that ends has nothing to close."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.file, timeout=30)
        # What is written outlives the process at once; a power cut may take the last writes, never the file.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(_SCHEMA)
        return db

    def _begin_again(self) -> None:
        for end in ("", "-wal", "-shm"):
            self.file.with_name(self.file.name + end).unlink(missing_ok=True)


def text_key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _embedder_key(digest: str) -> bytes:
    return hashlib.sha256(digest.encode()).digest()


def _rows(db: sqlite3.Connection, owner: bytes, keys: Sequence[bytes]) -> list[tuple[bytes, bytes, int]]:
    rows: list[tuple[bytes, bytes, int]] = []
    for start in range(0, len(keys), _ASKED_AT_ONCE):
        some = keys[start : start + _ASKED_AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"SELECT text, vector, used FROM vectors WHERE embedder = ? AND text IN ({marks})"  # noqa: S608
        rows += db.execute(query, (owner, *some)).fetchall()
    return rows


def _used_bytes(db: sqlite3.Connection) -> int:
    size, pages, free = (
        int(db.execute(f"PRAGMA {what}").fetchone()[0]) for what in ("page_size", "page_count", "freelist_count")
    )
    return size * (pages - free)


def _seal(owner: bytes, key: bytes, data: bytes) -> bytes:
    return hashlib.sha256(owner + key + data).digest()[:_SEAL_BYTES]


def _packed(owner: bytes, key: bytes, row: NDArray[np.float32]) -> bytes:
    data = row.astype("<f4", copy=False).tobytes()
    return _seal(owner, key, data) + data


def _unpacked(owner: bytes, key: bytes, packed: bytes) -> NDArray[np.float32] | None:
    import numpy as np

    seal, data = packed[:_SEAL_BYTES], packed[_SEAL_BYTES:]
    if seal != _seal(owner, key, data) or not data or len(data) % 4:
        return None
    return np.frombuffer(data, "<f4").astype(np.float32)
