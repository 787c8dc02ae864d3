"""Qualifications of judges and scorers, held to the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from sekisho.evaluation.judges.store import QualificationStore
from sekisho.evaluation.types import Origin
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing

FINISHED: Final = "qualification.finished"
_SAID: Final = ("name", "scorer", "labels", "result")


class Qualifications:
    """The digest of what was found is taken anew."""

    what = "qualification"
    kinds = frozenset({FINISHED})

    def told(self, entry: Entry, standing: Standing) -> None:
        standing[entry.body["qualification"]] = {
            "project": entry.project,
            "principal": entry.principal,
            "instrument": entry.subject,
            "created_at": Moment(entry.time),
            # What others bring along does not count as qualified, and none is taken.
            "origin": Origin.MEASURED.value,
            **{name: entry.body[name] for name in _SAID},
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for one in QualificationStore(tx).each():
            names = ("project", "principal", "instrument", "name", "scorer", "labels", "created_at")
            facts = {name: getattr(one, name) for name in names}
            yield one.id, {**facts, "origin": one.origin.value, "result": digest_of(dict(one.result))}
