"""Work that nobody asks for: looked for now and then, and queued like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sekisho.kernel.errors import SekishoError
from sekisho.kernel.logging import get_logger

_log = get_logger("sekisho.worker")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Asks `request_due` every `tick_s` seconds to queue what is due; it says what it has queued."""

    name: str
    request_due: Callable[[], Awaitable[tuple[str, ...]]]
    tick_s: float

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. What cannot be asked for now (the database is away) is asked for at the next tick."""
        while not stop.is_set():
            try:
                queued = await self.request_due()
            except SekishoError as error:
                _log.warning("nothing was scheduled", schedule=self.name, reason=error.detail)
            else:
                if queued:
                    _log.info("work is due", schedule=self.name, queued=len(queued))
            try:
                async with asyncio.timeout(self.tick_s):
                    await stop.wait()
            except TimeoutError:
                continue
