"""A sequence made from another one as it is looked at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")


class Mapped(Sequence[B], Generic[A, B]):
    """`make` of each item of `source`, made anew at each look: a hundred thousand objects are never held at once."""

    def __init__(self, source: Sequence[A], make: Callable[[A], B]) -> None:
        self._source = source
        self._make = make

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, number: int) -> B: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[B]: ...

    def __getitem__(self, number: int | slice) -> B | Sequence[B]:
        if isinstance(number, slice):
            return Mapped(self._source[number], self._make)
        return self._make(self._source[number])

    def __iter__(self) -> Iterator[B]:
        return map(self._make, self._source)
