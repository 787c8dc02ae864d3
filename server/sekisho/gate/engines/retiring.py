"""An engine that another takes the place of: what was asked of it is answered, then it lets go of everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sekisho.gate.engines.port import PolicyEngine


@dataclass
class RetiringEngine:
    """Passes everything on to `engine`, and knows how many questions are under way.

    A question that comes after `retire` is answered too, since whoever asks may have taken hold of it before.
    """

    engine: PolicyEngine
    _under_way: int = field(default=0, init=False)
    _retired: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def version(self) -> str:
        return self.engine.version

    @property
    def policy_digest(self) -> str:
        return self.engine.policy_digest

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        self._under_way += 1
        try:
            return await self.engine.evaluate(document)
        finally:
            await self._done()

    async def check(self) -> None:
        self._under_way += 1
        try:
            await self.engine.check()
        finally:
            await self._done()

    async def close(self) -> None:
        await self.engine.close()

    async def retire(self) -> None:
        """Close as soon as nothing is under way."""
        self._retired = True
        if self._under_way == 0:
            await self.engine.close()

    async def _done(self) -> None:
        self._under_way -= 1
        if self._retired and self._under_way == 0:
            await self.engine.close()
