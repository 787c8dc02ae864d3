"""Doing something again and again beside all else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sekisho.kernel.logging import get_logger

_log = get_logger("sekisho.kernel")


async def repeat(name: str, work: Callable[[], Awaitable[object]], pause_s: float) -> None:
    """Call `work` every `pause_s` seconds until cancelled. Whatever it raises is logged, and it is called again:
    nobody waits for it, so nobody else would tell of it."""
    while True:
        try:
            await work()
        except Exception as error:
            _log.error("repeated work fails", work=name, exc_info=error)
        await asyncio.sleep(pause_s)
