"""What must answer before this process may be sent requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sekisho.kernel.errors import SekishoError

Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Named checks; each raises a `SekishoError` where its part is not ready."""

    checks: Mapping[str, Check]

    async def problems(self) -> dict[str, str]:
        """What is not ready, by name, with the reason; empty when all is."""
        found: dict[str, str] = {}
        for name, check in self.checks.items():
            try:
                await check()
            except SekishoError as error:
                found[name] = error.detail
        return found
