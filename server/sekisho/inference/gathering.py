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

    An error of `work` is everybody's of that trip.
    """

    def __init__(self, work: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        self._work = work
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
            part, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            asked = [(item, future) for item, future in part if not future.done()]
            if not asked:
                continue
            try:
                results = await self._work([item for item, _ in asked])
            except BaseException as error:
                _fail([future for _, future in asked], error)
                if not isinstance(error, Exception):
                    _fail([future for _, future in self._waiting], error)
                    raise
                continue
            for (_, future), result in zip(asked, results, strict=True):
                if not future.done():
                    future.set_result(result)


def _fail(futures: Sequence[asyncio.Future[V]], error: BaseException) -> None:
    for future in futures:
        if future.done():
            continue
        if isinstance(error, Exception):
            future.set_exception(error)
        else:
            future.cancel()
