"""Use cases of OPA's decision log: note each question, take OPA's own account of it, and say where they differ."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sekisho.gate.decision_logs.reading import read_lines, unpacked
from sekisho.gate.decision_logs.store import DecisionLogStore
from sekisho.gate.decision_logs.types import (
    GRACE_MS,
    RECENT_MS,
    Asked,
    Finding,
    Logged,
    Standing,
    Verdict,
    differences,
)
from sekisho.identity.types import EVERYWHERE, SYSTEM, Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import IntegrityFailed, NotFound, Unauthenticated
from sekisho.kernel.logging import get_logger
from sekisho.ledger.service import Ledger

MOST_FINDINGS: Final = 200
DIFFERED: Final = "opa.differed"
"""Kind of the ledger's entry about a line that does not say what OPA answered."""
ASKED: Final = "opa.asked"
"""Kind of the ledger's entry about a question that OPA answered."""
LOGGED: Final = "opa.logged"
"""Kind of the ledger's entry about lines of OPA's log that were kept, at most `MOST_ENTERED` of them."""
MOST_ENTERED: Final = 500
FELL_SILENT: Final = "opa.fell_silent"
"""Kind of the ledger's entry about an answer that OPA never logged."""

_log = get_logger("sekisho.gate.decision_logs")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one body: lines that are new, lines that stood already, and lines about other questions."""

    new: int
    known: int
    others: int


@dataclass(frozen=True, slots=True)
class DecisionLogs:
    """Questions to OPA and its log. `token` is what OPA shows; empty: no log is taken and no question noted."""

    database: Database
    clock: Clock
    ledger: Ledger
    token: str

    @property
    def on(self) -> bool:
        return bool(self.token)

    async def asked(
        self, decision_id: object, document: Mapping[str, Any], answer: object, policy_digest: str | None
    ) -> None:
        """Note what OPA was asked, what it answered (None: nothing) and by which revision, under OPA's name for it.

        Raises `IntegrityFailed` for an answer without a name, `Unavailable` where it cannot be written.
        """
        if not isinstance(decision_id, str) or not 1 <= len(decision_id) <= 64:
            raise IntegrityFailed(
                "OPA gave its answer no decision id, so its log cannot be held to it",
                remedy="configure decision_logs in OPA, as in docker-compose.yml, or unset SEKISHO_DECISION_LOG_TOKEN",
            )
        asked = Asked(
            decision_id=decision_id,
            asked_at=epoch_ms(self.clock.now()),
            input_digest=digest_of(document),
            answer_digest=None if answer is None else digest_of(answer),
            policy_digest=None if policy_digest is None else policy_digest[:71],
        )
        async with self.database.write() as tx:
            if await DecisionLogStore(tx).insert_asked(asked):
                await self._append(tx, ASKED, asked.decision_id, asked.entered())

    def admit(self, token: str) -> None:
        """Raises `NotFound` where no log is taken, `Unauthenticated` for whoever is not our OPA."""
        if not self.on:
            raise NotFound(
                "this server takes no decision log",
                remedy="set SEKISHO_DECISION_LOG_TOKEN here, and the same token in OPA's configuration",
            )
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise Unauthenticated("this is not the token that OPA sends its decision log with")

    async def take(self, body: bytes, encoding: str) -> Taken:
        """Keep what is new in a body that OPA sent, and raise the alarm over each line that differs.

        The whole body or nothing: OPA sends again what was refused. Raises `Invalid` and `TooLarge`.
        """
        now = epoch_ms(self.clock.now())
        # Large bodies take a while, and everybody else's requests need not wait for it.
        lines, others = await asyncio.to_thread(lambda: read_lines(unpacked(body, encoding), now))
        async with self.database.write() as tx:
            store = DecisionLogStore(tx)
            new = await store.insert_logged(lines)
            asked = await store.asked([line.decision_id for line in new])
            for line in new:
                if line.decision_id in asked:
                    await self._compare(tx, asked[line.decision_id], line)
            for first in range(0, len(new), MOST_ENTERED):
                part = new[first : first + MOST_ENTERED]
                kept = [[line.decision_id, line.content_digest] for line in part]
                await self._append(tx, LOGGED, None, {"lines": kept})
        return Taken(len(new), len(lines) - len(new), others)

    async def _compare(self, tx: Transaction, asked: Asked, line: Logged) -> None:
        reasons = tuple(differences(asked, line))
        if reasons:
            _log.error("OPA's decision log differs from its answer", decision_id=line.decision_id, reasons=reasons)
            await self._alarm(tx, DIFFERED, asked, {"line": line.content_digest, "reasons": list(reasons)})

    async def _alarm(self, tx: Transaction, kind: str, asked: Asked, more: Mapping[str, Any]) -> None:
        body = {"input": asked.input_digest, "policy": asked.policy_digest, "asked_at": asked.asked_at, **more}
        await self._append(tx, kind, asked.decision_id, body)

    async def _append(self, tx: Transaction, kind: str, subject: str | None, body: Mapping[str, Any]) -> None:
        await self.ledger.append(tx, kind=kind, project=EVERYWHERE, principal=SYSTEM, subject=subject, body=body)

    async def report_missing(self) -> tuple[str, ...]:
        """Raise the alarm, once each, over answers that OPA did not log in time; gives their names."""
        if not self.on:
            return ()
        now = epoch_ms(self.clock.now())
        async with self.database.read() as tx:
            due = await DecisionLogStore(tx).missing(now - RECENT_MS, now - GRACE_MS, MOST_FINDINGS)
        reported = []
        for asked in due:
            async with self.database.write() as tx:
                await self.ledger.lock(tx)
                if await self.ledger.about(tx, project=EVERYWHERE, kind=FELL_SILENT, subject=asked.decision_id):
                    continue
                _log.error("OPA never logged a decision", decision_id=asked.decision_id, input=asked.input_digest)
                await self._alarm(tx, FELL_SILENT, asked, {})
                reported.append(asked.decision_id)
        return tuple(reported)

    async def standing(self) -> Standing:
        """The verdicts of the last day."""
        now = epoch_ms(self.clock.now())
        async with self.database.read() as tx:
            counts = await DecisionLogStore(tx).counts(now - RECENT_MS, now - GRACE_MS)
        return Standing({verdict: counts[verdict.value] for verdict in Verdict})

    async def check(self) -> None:
        """Raises `IntegrityFailed` where OPA's log and its answers of the last day are not the same."""
        standing = await self.standing() if self.on else None
        if standing is not None and standing.alarming:
            raise IntegrityFailed(standing.told(), remedy="sekisho policy log")

    async def findings(self, actor: Actor, since: int = 0) -> tuple[Finding, ...]:
        """Whatever does not agree, newest first, at most `MOST_FINDINGS` of each verdict. Takes an operator."""
        actor.require(EVERYWHERE, Action.OPERATE)
        due = epoch_ms(self.clock.now()) - GRACE_MS
        async with self.database.read() as tx:
            store = DecisionLogStore(tx)
            differing = await store.differing(since, MOST_FINDINGS)
            missing = await store.missing(since, due, MOST_FINDINGS)
            strange = await store.strange(since, MOST_FINDINGS)
        found = [
            *(_finding(Verdict.DIFFERS, one, other, tuple(differences(one, other))) for one, other in differing),
            *(_finding(Verdict.MISSING, one, None, ("OPA answered and never logged it",)) for one in missing),
            *(_finding(Verdict.STRANGE, None, other, ("this server did not ask it",)) for other in strange),
        ]
        return tuple(sorted(found, key=lambda finding: (-finding.at, finding.decision_id)))


def _finding(verdict: Verdict, asked: Asked | None, logged: Logged | None, reasons: tuple[str, ...]) -> Finding:
    if asked is not None:
        return Finding(verdict, asked.decision_id, asked.asked_at, reasons, asked, logged)
    if logged is None:
        raise ValueError("a finding is about a question, a line, or both")
    return Finding(verdict, logged.decision_id, logged.received_at, reasons, None, logged)
