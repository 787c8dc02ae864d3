"""What the last decisions would have been under another policy: each kept input is judged by both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.engines.several import several
from sekisho.gate.governing.difference import difference
from sekisho.gate.governing.store import PastStore
from sekisho.gate.governing.types import LOOK_BACK
from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet
from sekisho.gate.replay import Past, Replayed, Summary, Turn, replay
from sekisho.gate.schemas import read_input
from sekisho.gate.types import Outcome
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import Invalid

Judged = Callable[[int, int], None]
"""Hears how many inputs were judged, of how many."""
Engine = Callable[[PolicySet], PolicyEngine]
"""Makes an embedded engine of a policy."""
_ORDER: Final = (Turn.LOOSENED, Turn.TIGHTENED, Turn.UNJUDGED, Turn.NEW)


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision's input as it is kept."""

    id: str
    subject: str
    stage: str
    document: Any


async def last_inputs(tx: Transaction, count: int = LOOK_BACK) -> list[Kept]:
    """Of the last decisions of every project, newest first."""
    return [
        Kept(decision, f"{project}/{subject}", stage, document)
        for decision, project, subject, stage, document in await PastStore(tx).last(count)
    ]


async def flips(
    kept: Sequence[Kept], before: PolicySet, after: PolicySet, engine: Engine, judged: Judged | None = None
) -> Summary:
    """Judge every input by both policies, `after` compared with what `before` says now.

    The embedded engine judges for both, whichever decides. Raises `ExtraMissing` where it is not installed.
    """
    old, new = several(partial(engine, before)), several(partial(engine, after))
    summary = Summary()
    tasks = [asyncio.create_task(_turned(one, Judge(old), Judge(new))) for one in kept]
    try:
        for done, task in enumerate(tasks, 1):
            summary.add(await task)
            if judged is not None:
                judged(done, len(tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await old.close()
        await new.close()
    return summary


async def _turned(kept: Kept, old: Judge, new: Judge) -> Replayed:
    try:
        judged = await old.judge(read_input(kept.document))
    except Invalid:
        return await replay(Past(kept.id, kept.subject, kept.stage, Outcome.ERROR, (), kept.document), new)
    blocking = tuple(judged.answer["blocking"]) if judged.answer else ()
    return await replay(Past(kept.id, kept.subject, kept.stage, judged.outcome, blocking, kept.document), new)


def report(before: PolicySet, after: PolicySet, summary: Summary) -> dict[str, Any]:
    """What both owners look at: flips, denials that become allows first, and all in which the policies differ."""
    told = summary.as_json()
    listed = sorted(summary.listed, key=lambda one: (_ORDER.index(one.turn), one.past.id))
    return {
        "schema": "sekisho.policy-flips/v1",
        "from": before.digest,
        "to": after.digest,
        **told,
        "listed": [one.as_json() for one in listed],
        "difference": difference(before, after),
    }


def report_digest(found: dict[str, Any]) -> str:
    """What an approval names."""
    return digest_of(found)
