"""What of a run is still to do, handed out one case at a time to whichever lane is free."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Final

from sekisho.evaluation.case_source import CaseSource
from sekisho.evaluation.result_store import ResultStore
from sekisho.evaluation.types import Case
from sekisho.kernel.database import Database

STRETCH: Final = 128


class Feed:
    """Every case of every repeat that has no stored result, in order. `resumed`: some results may be stored."""

    def __init__(self, database: Database, run_id: str, cases: CaseSource, repeats: int, *, resumed: bool) -> None:
        self._database = database
        self._run_id = run_id
        self._resumed = resumed
        self._stretches = _stretches(cases, repeats)
        self._waiting: deque[tuple[Case, int]] = deque()
        self._filling = asyncio.Lock()

    async def next(self) -> tuple[Case, int] | None:
        """The next case with its repeat; None at the end."""
        while not self._waiting:
            async with self._filling:
                if not self._waiting and not await self._fill():
                    return None
        return self._waiting.popleft()

    async def _fill(self) -> bool:
        """Take one more stretch of what is planned, less what is done; False at the end."""
        stretch = next(self._stretches, None)
        if stretch is None:
            return False
        repeat, cases = stretch
        done: set[str] = set()
        if self._resumed:
            async with self._database.read() as tx:
                done = await ResultStore(tx).done_among(self._run_id, repeat, [case.id for case in cases])
        self._waiting.extend((case, repeat) for case in cases if case.id not in done)
        return True


def _stretches(cases: CaseSource, repeats: int) -> Iterator[tuple[int, list[Case]]]:
    for repeat in range(repeats):
        for stretch in cases.stretches(STRETCH):
            yield repeat, list(stretch)
