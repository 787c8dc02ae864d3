"""The chunks of one build on the disk, so that a large corpus takes little memory."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from sekisho.indexing.packed import digests, ids
from sekisho.indexing.types import Chunk

_READ_AT_ONCE = 512


class Spool:
    """Chunks in their order. Memory holds an id, a hash, a place and a length of each; close it when done.

    The file has no name of its own once it is open: a killed process leaves nothing of the corpus's texts behind.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by `close`
        self._ends = array("Q", [0])
        self.tokens = array("I")
        self.ids, self.hashes = ids(), digests()

    def __len__(self) -> int:
        return len(self.ids)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def extend(self, chunks: Sequence[Chunk]) -> None:
        """Add the chunks of the next document."""
        for chunk in chunks:
            data = msgspec.msgpack.encode(chunk)
            self._file.write(data)
            self._ends.append(self._ends[-1] + len(data))
            self.tokens.append(chunk.tokens)
            self.ids.append(chunk.id)
            self.hashes.append(chunk.hash)

    def some(self, ordinals: Sequence[int]) -> list[Chunk]:
        """The chunks at these places."""
        return [self._read(ordinal) for ordinal in ordinals]

    def batches(self, size: int = _READ_AT_ONCE) -> Iterator[list[tuple[int, Chunk]]]:
        """All of them with their ordinals, so many at a time."""
        for start in range(0, len(self), size):
            ordinals = range(start, min(start + size, len(self)))
            yield list(zip(ordinals, self.some(ordinals), strict=True))

    def _read(self, ordinal: int) -> Chunk:
        self._file.seek(self._ends[ordinal])
        return msgspec.msgpack.decode(self._file.read(self._ends[ordinal + 1] - self._ends[ordinal]), type=Chunk)
