"""One trip to the database for all who ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
MOST: Final = 200


class Gathering(Generic[K, V]):
    """Call it with one item; `work` gets the items of everybody who called meanwhile, and gives one result for each.

    An error of `work` is everybody's of that trip. A trip waits `linger_s` seconds for more to come along.
    """

    def __init__(self, work: Callable[[Sequence[K]], Awaitable[Sequence[V]]], linger_s: float = 0.0) -> None:
        self._work = work
        self._linger_s = linger_s
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._trips: asyncio.Task[None] | None = None

    async def __call__(self, item: K) -> V:
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._trips is None or self._trips.done():
            self._trips = asyncio.create_task(self._travel())
        return await future

    async def _travel(self) -> None:
        while self._waiting:
            asked: list[tuple[K, asyncio.Future[V]]] = []
            try:
                await asyncio.sleep(self._linger_s)
                asked = self._taken()
                results = await self._work([item for item, _ in asked]) if asked else []
            except BaseException as error:
                _fail([future for _, future in asked], error)
                if not isinstance(error, Exception):
                    _fail([future for _, future in self._waiting], error)
                    raise
                continue
            for (_, future), result in zip(asked, results, strict=True):
                if not future.done():
                    future.set_result(result)

    def _taken(self) -> list[tuple[K, asyncio.Future[V]]]:
        """Those who travel now: who gave up meanwhile stays behind."""
        part, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        return [(item, future) for item, future in part if not future.done()]


def _fail(futures: Sequence[asyncio.Future[V]], error: BaseException) -> None:
    for future in futures:
        if future.done():
            continue
        if isinstance(error, Exception):
            future.set_exception(error)
        else:
            future.cancel()
