"""Several engines on one policy as one, so that many inputs are judged at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sekisho.gate.engines.port import PolicyEngine


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class SeveralEngines:
    """Hands each input to an engine that is free, and waits for one where none is. They must be alike."""

    engines: tuple[PolicyEngine, ...]
    _free: asyncio.Queue[PolicyEngine] = field(default_factory=asyncio.Queue, init=False, repr=False)

    def __post_init__(self) -> None:
        for engine in self.engines:
            self._free.put_nowait(engine)

    @property
    def name(self) -> str:
        return self.engines[0].name

    @property
    def version(self) -> str:
        return self.engines[0].version

    @property
    def policy_digest(self) -> str:
        return self.engines[0].policy_digest

    async def evaluate(self, document: Mapping[str, object]) -> object:
        engine = await self._free.get()
        try:
            return await engine.evaluate(document)
        finally:
            self._free.put_nowait(engine)

    async def check(self) -> None:
        for engine in self.engines:
            await engine.check()

    async def close(self) -> None:
        for engine in self.engines:
            await engine.close()


def several(make: Callable[[], PolicyEngine], count: int | None = None) -> SeveralEngines:
    """As many engines as `make` is called: one per processor unless told."""
    return SeveralEngines(tuple(make() for _ in range(count or processors())))
