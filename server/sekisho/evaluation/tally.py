"""How a run goes: calls and cache hits, pace, failures. Kept with the run, outside its final digest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sekisho.inference.types import Answer, Answerer, AnswerRequest, HostSeen
from sekisho.kernel.database import Transaction


class Hosts(Protocol):
    """What is known of the model hosts."""

    def seen(self) -> Sequence[HostSeen]:
        """How each host that this process has asked does."""
        ...

    async def tell(self, tx: Transaction) -> None:
        """Write it down for the other processes."""
        ...


@dataclass
class Tally:
    """Counts over every attempt at a run: begin it with what the last attempt left. Times are milliseconds."""

    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    before_ms: int = 0
    attempts: int = 0
    overruns: dict[str, int] = field(default_factory=dict)
    """How often an answer went beyond a limit that the agent declares, by the limit's name."""
    monotonic: Callable[[], float] = time.monotonic
    _started: float = field(default=0.0, init=False)

    @classmethod
    def resume(cls, kept: Mapping[str, Any] | None, monotonic: Callable[[], float] = time.monotonic) -> Tally:
        """A new attempt, after what `kept` says of the earlier ones."""
        known = kept or {}
        names = ("calls", "cached", "tokens_in", "tokens_out", "attempts")
        overruns = dict(known.get("overruns", {}))
        tally = cls(
            **{name: known.get(name, 0) for name in names}, before_ms=known.get("active_ms", 0), overruns=overruns
        )
        tally.monotonic = monotonic
        tally.attempts += 1
        tally._started = monotonic()
        return tally

    def add(self, answer: Answer) -> None:
        self.calls += 1
        self.cached += answer.cached
        self.tokens_in += answer.tokens_in
        self.tokens_out += answer.tokens_out

    def overran(self, limit: str) -> None:
        self.overruns[limit] = self.overruns.get(limit, 0) + 1

    def observed(self, *, done: int, failed: int, planned: int) -> dict[str, Any]:
        """Whole numbers; what does not apply is left out. ``cases_per_hour`` is over the time that workers spent."""
        active = self.before_ms + int((self.monotonic() - self._started) * 1000)
        found: dict[str, Any] = {
            "attempts": self.attempts,
            "active_ms": active,
            "failed": failed,
            "not_tried": planned - done,
        }
        if active:
            found["cases_per_hour"] = done * 3_600_000 // active
        if self.calls:
            found |= {"calls": self.calls, "cached": self.cached, "hit_rate_bp": self.cached * 10_000 // self.calls}
            found |= {"tokens_in": self.tokens_in, "tokens_out": self.tokens_out}
        if self.overruns:
            found["overruns"] = dict(sorted(self.overruns.items()))
        return found


@dataclass(frozen=True, slots=True)
class Counted:
    """An answerer whose answers are counted."""

    inner: Answerer
    tally: Tally

    @property
    def digest(self) -> str:
        return self.inner.digest

    async def answer(self, request: AnswerRequest) -> Answer:
        answer = await self.inner.answer(request)
        self.tally.add(answer)
        return answer

    async def check(self) -> None:
        await self.inner.check()
