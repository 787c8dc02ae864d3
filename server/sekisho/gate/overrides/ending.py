"""What becomes of an override when its time is up: policy judges again, and without an allow the stage goes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sekisho.gate.assembly import Question
from sekisho.gate.input_types import GateInput
from sekisho.gate.overrides.alarms import ENDED, Alarm
from sekisho.gate.overrides.noting import told_of
from sekisho.gate.overrides.store import OverrideStore
from sekisho.gate.overrides.types import Former, override_of
from sekisho.gate.records import Decision, GateAction
from sekisho.gate.service import ATTEMPTS, RECENT, Gate, judged
from sekisho.gate.store import DecisionStore
from sekisho.gate.types import Outcome
from sekisho.identity.types import SYSTEM, PrincipalKind
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import PREFIX, digest_of
from sekisho.kernel.errors import Lapsed, SekishoError, Unwarranted
from sekisho.kernel.logging import get_logger
from sekisho.kernel.references import DigestPrefix, Kind, Reference
from sekisho.registry.types import Pointer, Version

_log = get_logger("sekisho.gate")

KEPT: Final = "kept"
RETURNED: Final = "returned"
EMPTIED: Final = "emptied"


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends the overrides of every project that are over. Several servers may do so at once: one of them finds it done.

    It asks in the name of whoever broke the glass, so that his own approval does not count. The engine of the settings
    alone decides: where it gives no verdict, the stage goes back as it does for a denial.
    """

    gate: Gate
    alarm: Alarm

    async def end_due(self) -> tuple[str, ...]:
        """The decisions of the overrides that were ended now. One that cannot be ended is logged, and not served."""
        async with self.gate.database.read() as tx:
            over = [pointer for pointer in await self._standing(tx) if await self._is_over(tx, pointer)]
        ended = []
        for pointer in over:
            try:
                done = await self._end(pointer)
            except SekishoError as error:
                _log.error("an override could not be ended", decision=pointer.decision_id, reason=error.detail)
                continue
            if done is not None:
                ended.append(pointer.decision_id)
                await self.alarm.sound(ENDED, done)
        return tuple(ended)

    async def _standing(self, tx: Transaction) -> tuple[Pointer, ...]:
        decisions = await OverrideStore(tx).every_id()
        return await self.gate.registry.moved_by(tx, decisions) if decisions else ()

    async def _is_over(self, tx: Transaction, pointer: Pointer) -> bool:
        try:
            await self.gate.registry.warrants.check(tx, pointer)
        except Lapsed:
            return True
        except (
            SekishoError
        ) as error:  # somebody edited the database; `resolve` refuses it, and it is not for us to mend
            _log.error("an override's pointer is not borne out", reason=error.detail)
        return False

    async def _end(self, pointer: Pointer) -> dict[str, Any] | None:
        """What became of it, for the alarm; None where the stage moved on meanwhile."""
        for attempt in range(ATTEMPTS + 1):
            # What the judgement rests on keeps changing: the stage is not served meanwhile, so at last it goes back.
            asked = await self._ask(pointer, judge=attempt < ATTEMPTS)
            async with self.gate.database.write() as tx:
                await self.gate.ledger.lock(tx)
                if not await self._still_there(tx, pointer):
                    return None
                if asked.size is None or await self.gate.ledger.size(tx) == asked.size:
                    return await self._settle(tx, pointer, asked)
        raise AssertionError("the last attempt rests on nothing that could change")

    async def _ask(self, pointer: Pointer, *, judge: bool) -> _Asked:
        async with self.gate.database.read() as tx:
            override = await DecisionStore(tx).one_or_none(pointer.project, pointer.decision_id)
            version = await _find(self.gate, tx, pointer, pointer.digest)
            if override is None:
                raise Unwarranted(f"there is no decision {pointer.decision_id}")
            question = Question(
                version, GateAction.PROMOTE, pointer.stage, override.requester, PrincipalKind.PERSON.value,
                epoch_ms(self.gate.clock.now()),
            )  # fmt: skip
            if not judge:
                return _Asked(override, question, None, None, None, "what the judgement rests on kept changing")
            size, latest = await self.gate.ledger.end(tx, RECENT)
            try:
                bench = await self.gate.benches.sitting(tx)
                gate_input = await self.gate.assembler.under(bench.policies.parameters).assemble(tx, question)
            except SekishoError as error:
                return _Asked(override, question, None, None, size, error.detail)
        judgement = await judged(bench, gate_input, latest)
        decision = self.gate.draft(question, gate_input, judgement)
        return _Asked(override, question, gate_input, decision, size, decision.error)

    async def _still_there(self, tx: Transaction, pointer: Pointer) -> bool:
        now = await self.gate.registry.pointer(tx, pointer.project, pointer.kind, pointer.name, pointer.stage)
        return now == pointer

    async def _settle(self, tx: Transaction, pointer: Pointer, asked: _Asked) -> dict[str, Any]:
        """Keep the judgement, and move the stage where it is no allow: all or nothing."""
        override = asked.override
        if asked.decision is not None and asked.gate_input is not None:
            request = digest_of({"override": override.id})
            await self.gate.record(
                tx, asked.question, asked.gate_input, asked.decision, None, request, pointer.digest
            )  # fmt: skip
        allowed = asked.decision is not None and asked.decision.outcome is Outcome.ALLOW
        how = KEPT if allowed else await self._go_back(tx, pointer, override, asked.decision)
        body: dict[str, Any] = {"override": override.id, "stage": pointer.stage, "came_to": how}
        body |= {} if asked.decision is None else {"decision": asked.decision.id}
        body |= {} if asked.error is None else {"error": asked.error}
        await self.gate.ledger.append(
            tx, kind=ENDED, project=pointer.project, principal=SYSTEM, subject=pointer.digest, body=body
        )
        blocking = [] if asked.decision is None else list(asked.decision.blocking)
        return {**told_of(override), "came_to": how, "blocking": blocking, "error": asked.error or ""}

    async def _go_back(self, tx: Transaction, pointer: Pointer, override: Decision, judged: Decision | None) -> str:
        """To what stood there by an allow before, where that may still be used; else to nothing."""
        back = None if override.override is None else override_of(override.override).returns_to
        version = None if back is None else await self._usable(tx, pointer, back)
        if back is None or version is None:
            decision = override.id if judged is None else judged.id
            await self.gate.registry.empty_stage(tx, pointer, decision_id=decision, principal=SYSTEM)
            return EMPTIED
        await self.gate.registry.move_pointer(
            tx,
            version=version,
            stage=pointer.stage,
            expected=pointer.digest,
            decision_id=back.decision_id,
            principal=SYSTEM,
        )
        return RETURNED

    async def _usable(self, tx: Transaction, pointer: Pointer, back: Former) -> Version | None:
        version = await _find(self.gate, tx, pointer, back.digest)
        return None if version.archived or version.revoked else version


@dataclass(frozen=True, slots=True)
class _Asked:
    """What policy said of an override that is over. `size` is the log's, as it said so; None: it rests on nothing."""

    override: Decision
    question: Question
    gate_input: GateInput | None
    decision: Decision | None
    size: int | None
    error: str | None


async def _find(gate: Gate, tx: Transaction, pointer: Pointer, digest: str) -> Version:
    selector = DigestPrefix(digest.removeprefix(PREFIX))
    return await gate.registry.find(tx, Reference(pointer.project, Kind(pointer.kind), pointer.name, selector))
