"""A qualification that was changed by hand no longer agrees with the log."""

from __future__ import annotations

from dataclasses import replace

from sekisho.evaluation.judges.witness import Qualifications
from tests.evaluation.judges.rooms import Room
from tests.ledger.by_hand import problems_after

FORGED = "'sha256:" + "0" * 64 + "'"
BY_HAND = {
    "its kappa": ("UPDATE qualifications SET result = replace(result, '\"n\"', '\"m\"')", "result is"),
    "its judge": (f"UPDATE qualifications SET instrument = {FORGED}", "instrument is"),
    "its labels": (f"UPDATE qualifications SET labels = {FORGED}", "labels is"),
    "its origin": ("UPDATE qualifications SET origin = 'imported'", "origin is 'imported'"),
    "who asked for it": ("UPDATE qualifications SET principal = 'mallory'", "principal is 'mallory'"),
    "its time": ("UPDATE qualifications SET created_at = 1", "created_at is 1"),
    "all of it": ("DELETE FROM qualifications", "is gone"),
}


async def test_a_qualification_is_held_to_its_entry(room: Room) -> None:
    """Sound as it was measured; whatever is changed by hand is named."""
    await room.done(judge="grounding")
    ledger = replace(room.services.ledger, witnesses=(Qualifications(),))
    async with ledger.database.read() as tx:
        assert (await ledger.verify_in(tx)).problems == ()
    unseen = []
    for what, (statement, problem) in BY_HAND.items():
        found = await problems_after(ledger, statement)
        unseen += [] if any(problem in one for one in found) else [(what, found)]
    assert unseen == []
