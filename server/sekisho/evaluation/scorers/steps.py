"""How much work checking one answer may take, counted in steps and not by a clock: a replay stops at the same place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

MAX_STEPS: Final = 200_000
"""Keywords evaluated on one answer: about two seconds of work. Following a reference counts ten."""
_steps: ContextVar[int] = ContextVar("steps")


class TooManySteps(Exception):
    """The schema makes work without an end in sight."""


@contextmanager
def counting() -> Iterator[None]:
    """Count from nothing inside."""
    token = _steps.set(0)
    try:
        yield
    finally:
        _steps.reset(token)


def take(cost: int) -> None:
    """Raises `TooManySteps`."""
    taken = _steps.get() + cost
    _steps.set(taken)
    if taken > MAX_STEPS:
        raise TooManySteps
