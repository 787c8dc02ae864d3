"""A candidate that judges alongside and decides nothing: its error, its slowness and its absence touch no decision."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.governing.content import policies_of, published_or_raise
from sekisho.gate.governing.flips import Engine
from sekisho.gate.governing.store import ActivationStore, ShadowStore
from sekisho.gate.governing.types import Shadow, ShadowFinding, parse_label
from sekisho.gate.input_types import GateInput
from sekisho.gate.judge import Judge
from sekisho.gate.records import Decision
from sekisho.gate.replay import Turn
from sekisho.gate.types import Outcome
from sekisho.identity.types import EVERYWHERE, SYSTEM, Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.errors import Conflict, NotFound, SekishoError
from sekisho.kernel.ids import new_id
from sekisho.kernel.logging import get_logger
from sekisho.ledger.service import Ledger

_log = get_logger("sekisho.gate")

WAITING: Final = 100
"""How many decisions may wait for the shadow; what comes beyond is left out, and the report says how many."""
TOGETHER: Final = 50
"""How many findings are kept at a time, with one entry in the ledger."""
JUDGED: Final = "policy.shadow_judged"
LISTED: Final = 200
"""Flips that a report lists one by one, the newest of each kind; all of them are counted."""


@dataclass
class Shadowing:
    """Starts and stops shadows, runs the standing one in the background, and tells what it would have decided."""

    database: Database
    clock: Clock
    ledger: Ledger
    engine: Engine
    _waiting: asyncio.Queue[tuple[Decision, GateInput]] = field(
        default_factory=lambda: asyncio.Queue(WAITING), init=False, repr=False
    )
    _runner: asyncio.Task[None] | None = field(default=None, init=False, repr=False)
    _judging: tuple[str, PolicyEngine] | None = field(default=None, init=False, repr=False)

    def observe(self, decision: Decision, gate_input: GateInput) -> None:
        """Hand over a decision that was kept; returns at once, and never raises."""
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait((decision, gate_input))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())

    async def settled(self) -> None:
        """Wait until everything handed over so far was judged or left out."""
        await self._waiting.join()

    async def close(self) -> None:
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        await self._let_go()

    async def start(self, actor: Actor, label: str) -> Shadow:
        """Have a published policy judge alongside, in the place of whatever did so far."""
        actor.require(EVERYWHERE, Action.GOVERN)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            candidate = await published_or_raise(tx, *parse_label(label))
            await policies_of(tx, candidate)
            standing = await ActivationStore(tx).in_force_or_none()
            if standing is not None and standing.digest == candidate.digest:
                raise Conflict(f"{candidate.label} is in force, so there is nothing to compare it with")
            await self._stop(tx, actor)
            now = self.clock.now()
            shadow = Shadow(
                id=new_id(now),
                name=candidate.name,
                number=candidate.number,
                digest=candidate.digest,
                started_by=actor.principal,
                started_at=epoch_ms(now),
            )
            await ShadowStore(tx).insert(shadow)
            await self._record(tx, "policy.shadow_started", actor, shadow)
        return shadow

    async def stop(self, actor: Actor) -> Shadow:
        """Raises `NotFound` where nothing judges alongside."""
        actor.require(EVERYWHERE, Action.GOVERN)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            stopped = await self._stop(tx, actor)
        if stopped is None:
            raise NotFound("no policy judges alongside", remedy="`sekisho policy shadow start NAME@v3` starts one")
        return stopped

    async def report(self, actor: Actor, shadow_id: str | None = None) -> dict[str, Any]:
        """How often the shadow agreed, and what it would have decided otherwise; of the newest unless one is named.

        ``agreement_bp`` is the share of decisions with a verdict on both sides that came out the same, in basis points;
        absent where there are none. ``left_out`` are decisions of the shadow's time that it did not come to.
        """
        actor.require(EVERYWHERE, Action.GOVERN)
        async with self.database.read() as tx:
            store = ShadowStore(tx)
            shadow = await store.newest_or_none(shadow_id)
            if shadow is None:
                raise NotFound("no policy has judged alongside yet")
            found = [finding async for finding in store.findings(shadow.id)]
            last = epoch_ms(self.clock.now()) if shadow.stopped_at is None else shadow.stopped_at
            decided = await store.decided_between(shadow.started_at, last)
        return _told(shadow, found, decided, last - shadow.started_at)

    async def _run(self) -> None:
        while True:
            decision, gate_input = await self._waiting.get()
            taken, found = 1, await self._judged(decision, gate_input)
            # What came meanwhile goes along: one entry in the ledger for all of them.
            while not self._waiting.empty() and taken < TOGETHER:
                found += await self._judged(*self._waiting.get_nowait())
                taken += 1
            try:
                await self._keep(found)
            except Exception as error:
                _log.warning("what the shadow policy judged was not kept", findings=len(found), reason=str(error))
            for _ in range(taken):
                self._waiting.task_done()

    async def _judged(self, decision: Decision, gate_input: GateInput) -> list[ShadowFinding]:
        try:
            finding = await self._judge(decision, gate_input)
        except Exception as error:
            # Nobody waits for this answer, and the decision stands whatever it is.
            _log.warning("the shadow policy judged nothing", decision=decision.id, reason=str(error))
            return []
        return [] if finding is None else [finding]

    async def _keep(self, found: list[ShadowFinding]) -> None:
        for shadow in dict.fromkeys(one.shadow_id for one in found):
            its = [one for one in found if one.shadow_id == shadow]
            body = {"shadow": shadow, "findings": {one.decision_id: one.content_digest for one in its}}
            async with self.database.write() as tx:
                await ShadowStore(tx).add(its)
                await self.ledger.append(tx, kind=JUDGED, project=EVERYWHERE, principal=SYSTEM, body=body)

    async def _judge(self, decision: Decision, gate_input: GateInput) -> ShadowFinding | None:
        async with self.database.read() as tx:
            shadow = await ShadowStore(tx).standing_or_none()
            if shadow is None or decision.decided_at < shadow.started_at:
                await self._let_go()
                return None
            engine = await self._engine_of(tx, shadow)
        began = time.monotonic()
        judged = await Judge(engine).judge(gate_input)
        return ShadowFinding(
            shadow_id=shadow.id,
            decision_id=decision.id,
            subject=f"{decision.project}/{decision.kind}/{decision.name}@v{decision.number}",
            stage=decision.stage,
            decided=decision.outcome.value,
            outcome=judged.outcome.value,
            answer=judged.answer,
            error=judged.error,
            took_ms=round((time.monotonic() - began) * 1000),
            judged_at=epoch_ms(self.clock.now()),
        )

    async def _engine_of(self, tx: Transaction, shadow: Shadow) -> PolicyEngine:
        if self._judging is not None and self._judging[0] == shadow.digest:
            return self._judging[1]
        await self._let_go()
        policies = await policies_of(tx, await published_or_raise(tx, shadow.name, shadow.number))
        if policies.digest != shadow.digest:
            raise SekishoError(f"{shadow.label} is not the policy that was to judge alongside")
        self._judging = (shadow.digest, self.engine(policies))
        return self._judging[1]

    async def _let_go(self) -> None:
        judging, self._judging = self._judging, None
        if judging is not None:
            await judging[1].close()

    async def _stop(self, tx: Transaction, actor: Actor) -> Shadow | None:
        store = ShadowStore(tx)
        standing = await store.standing_or_none()
        if standing is None:
            return None
        await store.stop(standing.id, actor.principal, epoch_ms(self.clock.now()))
        await self._record(tx, "policy.shadow_stopped", actor, standing)
        return await store.newest_or_none(standing.id)

    async def _record(self, tx: Transaction, kind: str, actor: Actor, shadow: Shadow) -> None:
        await self.ledger.append(
            tx,
            kind=kind,
            project=EVERYWHERE,
            principal=actor.principal,
            subject=shadow.digest,
            body={"shadow": shadow.id, "policy": shadow.label},
        )


def _turn(finding: ShadowFinding) -> Turn:
    if finding.outcome == Outcome.ERROR:
        return Turn.UNJUDGED
    if finding.decided == Outcome.ERROR:
        return Turn.NEW
    before, after = finding.decided == Outcome.ALLOW, finding.outcome == Outcome.ALLOW
    if before is after:
        return Turn.SAME
    return Turn.LOOSENED if after else Turn.TIGHTENED


def _told(shadow: Shadow, found: list[ShadowFinding], decided: int, span_ms: int) -> dict[str, Any]:
    turns = Counter(map(_turn, found))
    compared = turns[Turn.SAME] + turns[Turn.LOOSENED] + turns[Turn.TIGHTENED]
    flipped = [one for one in found if _turn(one) is not Turn.SAME]
    flipped.sort(key=lambda one: (_turn(one) is not Turn.LOOSENED, -one.judged_at, one.decision_id))
    body: dict[str, Any] = {
        "shadow": shadow.id,
        "policy": shadow.label,
        "digest": shadow.digest,
        "started_at": shadow.started_at,
        "decisions": decided,
        "judged": len(found),
        "left_out": max(decided - len(found), 0),
        "turns": {turn.value: turns[turn] for turn in Turn},
        "per_day": round(len(found) * 86_400_000 / span_ms) if span_ms > 0 else 0,
        "slowest_ms": max((one.took_ms for one in found), default=0),
        "flips": [_flip(one) for one in flipped[:LISTED]],
    }
    if shadow.stopped_at is not None:
        body["stopped_at"] = shadow.stopped_at
    return {**body, "agreement_bp": turns[Turn.SAME] * 10_000 // compared} if compared else body


def _flip(finding: ShadowFinding) -> dict[str, Any]:
    body: dict[str, Any] = {
        "decision": finding.decision_id,
        "subject": finding.subject,
        "stage": finding.stage,
        "decided": finding.decided,
        "shadow": finding.outcome,
        "turn": _turn(finding).value,
        "blocking": list(finding.answer["blocking"]) if finding.answer else [],
    }
    return body if finding.error is None else {**body, "error": finding.error}
