"""A circuit breaker: after several failures in a row a host is left alone for a while, then tried by one call. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

FIRST_REST_S: Final = 1.0
LONGEST_REST_S: Final = 30.0


class CircuitState(StrEnum):
    """``closed``: calls go through. ``open``: none does. ``half-open``: one does, to see whether the host is back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """Opens at the `failures`-th failure in a row. Its rest doubles with each trial that fails, up to half a minute."""

    def __init__(self, failures: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._allowed = failures
        self._monotonic = monotonic
        self._in_a_row = 0
        self._rest_s = FIRST_REST_S
        self._rests_until: float | None = None
        self._trial = False
        self.opened = 0

    @property
    def state(self) -> CircuitState:
        if self._rests_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self.rests_s > 0 else CircuitState.HALF_OPEN

    @property
    def rests_s(self) -> float:
        """Seconds until a trial is let through; 0 where calls go through, or a trial may or does."""
        return 0.0 if self._rests_until is None else max(0.0, self._rests_until - self._monotonic())

    @property
    def admits(self) -> bool:
        """Whether a call may begin now."""
        return self._rests_until is None or (self.rests_s == 0 and not self._trial)

    def begin(self) -> None:
        """A call begins; where the circuit is half-open it is the one trial."""
        self._trial = self._rests_until is not None

    def succeeded(self) -> None:
        self._in_a_row, self._rests_until, self._trial, self._rest_s = 0, None, False, FIRST_REST_S

    def failed(self) -> None:
        """A call failed for a reason of the host's. Calls that began before the circuit opened change nothing more."""
        self._in_a_row += 1
        if self._trial:
            self._rest_s = min(LONGEST_REST_S, 2 * self._rest_s)
        elif self._rests_until is not None or self._in_a_row < self._allowed:
            return
        self._trial = False
        self.opened += 1
        self._rests_until = self._monotonic() + self._rest_s

    def abandoned(self) -> None:
        """A call ended without telling anything of the host."""
        self._trial = False
