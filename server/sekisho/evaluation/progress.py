"""How far a run is, as a stream of events for whoever watches: server-sent events, made by looking at a bounded rate.

Any process can serve them, behind SQLite and PostgreSQL alike, since all that is looked at is the run's row and its
job's. However many watch one run, this process looks no more often than `every_s`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sekisho.evaluation.types import Run

HEARTBEAT_S: Final = 5.0
_WINDOW: Final = 40
"""Looks over which the pace is taken: the first seconds of a run, when models load, soon count no more."""

Look = Callable[[], Awaitable[Run]]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Progressed:
    """One look at a run. `per_second` and `seconds_left` are None while the pace is not known."""

    run: Run
    per_second: float | None
    seconds_left: int | None

    def to_json(self) -> dict[str, Any]:
        """What is not known is left out."""
        value = {
            "id": self.run.id,
            "state": self.run.state.value,
            "done": self.run.done,
            "planned": self.run.planned,
            "per_second": None if self.per_second is None else round(self.per_second, 2),
            "seconds_left": self.seconds_left,
            "reason": self.run.reason,
        }
        return {name: item for name, item in value.items() if item is not None}


@dataclass
class Pace:
    """Results per second over the last looks."""

    monotonic: Callable[[], float] = time.monotonic
    _looks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_WINDOW))

    def saw(self, run: Run) -> Progressed:
        """Raises nothing; a run that is over has no seconds left."""
        if run.started_at is not None:
            self._looks.append((self.monotonic(), run.done))
        pace = self._per_second()
        left = None if pace is None or run.state.over else round((run.planned - run.done) / pace)
        return Progressed(run, pace, left)

    def _per_second(self) -> float | None:
        if len(self._looks) < 2:
            return None
        (since, before), (now, done) = self._looks[0], self._looks[-1]
        return (done - before) / (now - since) if done > before and now > since else None


@dataclass
class Watch:
    """One look shared by all who watch: each look is at least `every_s` after the one before."""

    every_s: float
    monotonic: Callable[[], float] = time.monotonic
    _last: dict[str, tuple[float, asyncio.Task[Run]]] = field(default_factory=dict)

    async def look(self, run_id: str, look: Look) -> Run:
        """The run as it is, or was less than `every_s` ago."""
        now = self.monotonic()
        for known, (at, task) in list(self._last.items()):
            if task.done() and now - at >= self.every_s:
                del self._last[known]
        if run_id not in self._last:
            self._last[run_id] = (now, asyncio.ensure_future(_await(look)))
        return await asyncio.shield(self._last[run_id][1])


async def _await(look: Look) -> Run:
    return await look()


async def events(
    look: Look,
    every_s: float,
    *,
    heartbeat_s: float = HEARTBEAT_S,
    sleep: Sleep = asyncio.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Progressed]:
    """Each change of the run, first how it is now, last how it ended; the same again where nothing changes for long."""
    pace, told, said = Pace(monotonic), ("", -1), monotonic()
    while True:
        run = await look()
        progressed = pace.saw(run)
        now = monotonic()
        if (run.state.value, run.done) != told or now - said >= heartbeat_s:
            told, said = (run.state.value, run.done), now
            yield progressed
        if run.state.over:
            return
        await sleep(every_s)
