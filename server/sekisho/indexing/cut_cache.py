"""Where documents were cut before, in a file of the worker's data folder: no document's tokens are counted twice.

Cutting is most of what a build costs whose vectors are remembered already. The key is everything that decides where a
document is cut; what is kept are headings, places and numbers of tokens, so that a known document is not even parsed.
The file is derived: lost or broken, it is begun again, and only time is lost.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from sekisho.indexing.chunking import Cut, chunks_at, cuts_of
from sekisho.indexing.types import CHUNKERS, Chunk, ChunkerRecipe, Document
from sekisho.inference.text import VERSION
from sekisho.inference.types import Embedder
from sekisho.kernel.digests import canonical_json

T = TypeVar("T")
MOST_BYTES: Final = 100_000_000
_FORMAT: Final = 2
"""Raised with any change of what a `Cut` means."""
_SEAL_BYTES: Final = 8
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS cuts (document BLOB PRIMARY KEY, cuts BLOB NOT NULL) WITHOUT ROWID"


@dataclass
class CutCache:
    """At most about `most_bytes`; a full file is begun again. What cannot be read is absent, never wrong.

    Its methods block: call them from a thread. Any thread may, one at a time gets its turn.
    """

    file: Path
    most_bytes: int = MOST_BYTES
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def known(self, keys: Sequence[bytes]) -> Mapping[bytes, list[Cut]]:
        """The cuts of those of the documents that were cut before."""

        def read(db: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
            query = "SELECT document, cuts FROM cuts WHERE document = ?"
            return [row for key in keys for row in db.execute(query, (key,))]

        opened = ((key, _unpacked(key, data)) for key, data in self._do(read) or [])
        return {key: cuts for key, cuts in opened if cuts is not None}

    def keep(self, found: Mapping[bytes, Sequence[Cut]]) -> None:
        """Remember where these documents were cut; written when this returns."""

        def write(db: sqlite3.Connection) -> None:
            if self.file.stat().st_size > self.most_bytes:
                db.execute("DELETE FROM cuts")
            rows = [(key, _packed(key, cuts)) for key, cuts in found.items()]
            db.executemany("INSERT OR REPLACE INTO cuts VALUES (?, ?)", rows)

        self._do(write)

    def forget(self) -> None:
        """Everything: what was cut is not told apart by whose it was, and all of it is quickly found again."""
        with self._turn:
            self._remove()

    def _do(self, action: Callable[[sqlite3.Connection], T]) -> T | None:
        """The action's answer; None where the file is broken and was begun again."""
        with self._turn:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with closing(sqlite3.connect(self.file, timeout=30)) as db, db:
                    db.execute("PRAGMA journal_mode = WAL")
                    db.execute("PRAGMA synchronous = NORMAL")
                    db.execute(_SCHEMA)
                    return action(db)
            except sqlite3.DatabaseError:
                self._remove()
                return None

    def _remove(self) -> None:
        for end in ("", "-wal", "-shm"):
            self.file.with_name(self.file.name + end).unlink(missing_ok=True)


@dataclass(frozen=True)
class Cutting:
    """Cuts documents for one embedder by one recipe, and those that were so cut before without counting again."""

    embedder: Embedder
    recipe: ChunkerRecipe
    cache: CutCache

    def chunks(self, documents: Sequence[Document]) -> list[Chunk]:
        """The chunks of all of them, in order. Blocks."""
        keys = [self.key(document) for document in documents]
        known = dict(self.cache.known(keys))
        fresh = {key: self._cuts(one) for key, one in zip(keys, documents, strict=True) if key not in known}
        if fresh:
            self.cache.keep(fresh)
            known |= fresh
        name = self.recipe.name
        return [chunk for key, one in zip(keys, documents, strict=True) for chunk in chunks_at(one, known[key], name)]

    def key(self, document: Document) -> bytes:
        """Over all that decides where the document is cut; its path and language do not."""
        recipe = self.recipe
        rules = [_FORMAT, VERSION, recipe.name, CHUNKERS[recipe.name], recipe.max_tokens, recipe.overlap]
        said = canonical_json([*rules, self.embedder.digest, document.media_type])
        return hashlib.sha256(hashlib.sha256(said).digest() + document.text.encode()).digest()

    def _cuts(self, document: Document) -> list[Cut]:
        recipe = self.recipe
        return cuts_of(document, self.embedder.count_tokens, recipe.max_tokens, recipe.overlap, recipe.name)


def _seal(key: bytes, data: bytes) -> bytes:
    return hashlib.sha256(key + data).digest()[:_SEAL_BYTES]


def _packed(key: bytes, cuts: Sequence[Cut]) -> bytes:
    data = msgspec.msgpack.encode(cuts)
    return _seal(key, data) + data


def _unpacked(key: bytes, packed: bytes) -> list[Cut] | None:
    seal, data = packed[:_SEAL_BYTES], packed[_SEAL_BYTES:]
    return msgspec.msgpack.decode(data, type=list[Cut]) if seal == _seal(key, data) else None
