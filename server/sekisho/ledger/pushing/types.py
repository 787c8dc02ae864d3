"""Where checkpoints are pushed, and what became of it. Pure; times are epoch milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

from sekisho.kernel.digests import digest_of
from sekisho.ledger.types import Checkpoint

PUSHED: Final = "checkpoint.pushed"
NOT_PUSHED: Final = "checkpoint.not_pushed"
"""Kinds of the ledger's entries about pushes. A log that grew by these alone need not be pushed again."""


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

    @property
    def kind(self) -> str:
        return PUSHED if self.error is None else NOT_PUSHED

    def entered(self) -> dict[str, Any]:
        """What the ledger's entry says; of an error only the digest."""
        said: dict[str, Any] = {"push": self.id, "target": self.target, "origin": self.origin, "size": self.size}
        said["root"] = self.root
        return said if self.error is None else {**said, "error": digest_of([self.id, self.error])}
