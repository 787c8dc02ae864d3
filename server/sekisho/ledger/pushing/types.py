"""Where checkpoints are pushed, and what became of it. Pure; times are epoch milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sekisho.ledger.types import Checkpoint


class Target(Protocol):
    """One place that keeps checkpoints."""

    @property
    def name(self) -> str:
        """What people and records call it; it holds no secret."""
        ...

    async def last(self) -> bytes | None:
        """The newest checkpoint that the place itself shows, as it was pushed; None where it shows none."""
        ...

    async def push(self, checkpoint: Checkpoint) -> None:
        """Add the checkpoint; to push the same one again changes nothing. Raises a `SekishoError` where it fails."""
        ...


@dataclass(frozen=True, slots=True)
class Push:
    """One checkpoint that a target took, or did not take: then `error` says why."""

    id: str
    target: str
    origin: str
    size: int
    root: str
    at: int
    error: str | None
