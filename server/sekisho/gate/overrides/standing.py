"""Stages as allowing decisions left them: what stands somewhere by override counts for nothing in a judgement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sekisho.gate.overrides.store import OverrideStore
from sekisho.kernel.database import Transaction
from sekisho.registry.types import Pointer


async def as_allowed(tx: Transaction, pointers: Iterable[Pointer]) -> tuple[Pointer, ...]:
    """The pointers, each that an override moved put back to what it returns to, or left out where that is nothing.

    Otherwise a denied version would be the measure of the next one, and would have passed the stage before.
    """
    pointers = tuple(pointers)
    if not pointers:
        return ()
    overrides = await OverrideStore(tx).among([pointer.decision_id for pointer in pointers])
    found = []
    for pointer in pointers:
        override = overrides.get(pointer.decision_id)
        if override is None:
            found.append(pointer)
        elif (back := override.returns_to) is not None:
            found.append(replace(pointer, digest=back.digest, number=back.number, decision_id=back.decision_id))
    return tuple(found)
