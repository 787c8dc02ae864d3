"""Questions to OPA and the lines of its own log, held to the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sekisho.gate.decision_logs.service import ASKED, LOGGED
from sekisho.gate.decision_logs.store import DecisionLogStore
from sekisho.gate.decision_logs.types import content_of
from sekisho.kernel.database import Transaction
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing


class OpaQuestions:
    """What was asked, what was answered, and by which revision."""

    what = "question to OPA"
    kinds = frozenset({ASKED})

    def told(self, entry: Entry, standing: Standing) -> None:
        absent = {"input": None, "answer": None, "policy": None}
        standing[str(entry.subject)] = {**absent, **entry.body, "asked_at": Moment(entry.time)}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for asked in DecisionLogStore(tx).each_asked():
            yield asked.decision_id, {**asked.entered(), "asked_at": asked.asked_at}


class OpaLogLines:
    """The digest of a line's content is taken anew."""

    what = "line of OPA's log"
    kinds = frozenset({LOGGED})

    def told(self, entry: Entry, standing: Standing) -> None:
        for decision_id, content in entry.body["lines"]:
            standing[f"{decision_id} {content}"] = {"content": content, "received_at": Moment(entry.time)}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for line in DecisionLogStore(tx).each_logged():
            content = content_of(
                line.decision_id, line.input_digest, line.answer_digest, line.policy_digest, line.altered, line.line
            )
            yield f"{line.decision_id} {line.content_digest}", {"content": content, "received_at": line.received_at}
