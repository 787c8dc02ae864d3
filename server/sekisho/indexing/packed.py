"""Ids and digests of many chunks as the bytes they stand for: a fifth of what as many strings take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from sekisho.indexing.types import Fingerprint
from sekisho.kernel.digests import PREFIX

_DIGEST_BYTES = 32
_ID_BYTES = 16
_HEX = frozenset("0123456789abcdef")


class Packed(Sequence[str]):
    """Words that are a prefix and `size` bytes in hexadecimal digits. Raises ValueError for any other word."""

    def __init__(self, prefix: str, size: int, count: int = 0) -> None:
        """With `count` words to begin with, all of zeros."""
        self._prefix, self._size = prefix, size
        self._data = bytearray(size * count)

    def append(self, word: str) -> None:
        self._data += self._bytes(word)

    def __setitem__(self, place: int, word: str) -> None:
        self._data[self._span(place)] = self._bytes(word)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        return self._prefix + self._data[self._span(place)].hex()

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self._data), self._size):
            yield self._prefix + self._data[start : start + self._size].hex()

    def __len__(self) -> int:
        return len(self._data) // self._size

    def _span(self, place: int) -> slice:
        start = range(len(self))[place] * self._size
        return slice(start, start + self._size)

    def _bytes(self, word: str) -> bytes:
        digits = word.removeprefix(self._prefix)
        if len(digits) != 2 * self._size or not _HEX.issuperset(digits) or self._prefix + digits != word:
            raise ValueError(f"{word!r} is not {self._prefix}{2 * self._size} hexadecimal digits")
        return bytes.fromhex(digits)


def ids() -> Packed:
    """For ids of chunks."""
    return Packed("", _ID_BYTES)


def digests(count: int = 0) -> Packed:
    return Packed(PREFIX, _DIGEST_BYTES, count)


@dataclass(frozen=True, slots=True)
class Fingerprints(Sequence[Fingerprint]):
    """Fingerprints of chunks by their ordinals, each made when it is asked for."""

    ids: Sequence[str]
    chunk_hashes: Sequence[str]
    vector_hashes: Sequence[str]

    @classmethod
    def of(cls, given: Sequence[Fingerprint]) -> Fingerprints:
        """Raises ValueError where they are not in the order of their ordinals, or a word is not one of theirs."""
        made = cls(names := ids(), chunk_hashes := digests(), vector_hashes := digests())
        for place, one in enumerate(given):
            if one.ordinal != place:
                raise ValueError(f"fingerprint {place} says that it is {one.ordinal}")
            names.append(one.chunk_id)
            chunk_hashes.append(one.chunk_hash)
            vector_hashes.append(one.vector_hash)
        return made

    @overload
    def __getitem__(self, place: int) -> Fingerprint: ...
    @overload
    def __getitem__(self, place: slice) -> list[Fingerprint]: ...
    def __getitem__(self, place: int | slice) -> Fingerprint | list[Fingerprint]:
        ordinals = range(len(self))[place]
        if isinstance(ordinals, range):
            return [self[one] for one in ordinals]
        return Fingerprint(ordinals, self.ids[ordinals], self.chunk_hashes[ordinals], self.vector_hashes[ordinals])

    def __iter__(self) -> Iterator[Fingerprint]:
        return map(Fingerprint, range(len(self)), self.ids, self.chunk_hashes, self.vector_hashes)

    def __len__(self) -> int:
        return len(self.ids)
