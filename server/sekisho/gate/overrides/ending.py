"""What becomes of an override, or of an exception, when its time is up: policy judges again, and the stage may go back.

After an override it goes back without an allow; after an exception where what was excepted still blocks, or where
nobody can say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sekisho.gate.assembly import Question
from sekisho.gate.input_types import GateInput
from sekisho.gate.overrides.alarms import ENDED, Alarm
from sekisho.gate.overrides.lapsing import LAPSED, Lapses
from sekisho.gate.overrides.noting import told_of
from sekisho.gate.overrides.resting import Rest
from sekisho.gate.overrides.store import OverrideStore
from sekisho.gate.overrides.types import Former, override_of
from sekisho.gate.records import Decision, GateAction
from sekisho.gate.service import ATTEMPTS, RECENT, Gate, judged
from sekisho.gate.store import DecisionStore
from sekisho.gate.types import Outcome
from sekisho.identity.types import SYSTEM
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
STANDS: Final = "stands"


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends what is over, in every project. Several servers may do so at once: one of them finds it done.

    It asks in the name of whoever asked for it then (of an override: whoever broke the glass), so that his own approval
    does not count. The engine of the settings alone decides: where it gives no verdict, the stage goes back as it does
    for a denial.
    """

    gate: Gate
    alarm: Alarm
    lapses: Lapses

    async def end_due(self) -> tuple[str, ...]:
        """The decisions of what was ended now. An override that cannot be ended is logged, and not served."""
        async with self.gate.database.read() as tx:
            over = [_Due(pointer) for pointer in await self._standing(tx) if await self._is_over(tx, pointer)]
            over += [_Due(lapse.pointer, lapse.rests) for lapse in await self.lapses.due(tx)]
        ended = []
        for due in over:
            try:
                done = await self._end(due)
            except SekishoError as error:
                _log.error(f"{due.what} could not be ended", decision=due.pointer.decision_id, reason=error.detail)
                continue
            if done is not None:
                ended.append(due.pointer.decision_id)
                await self._tell(due, done)
        return tuple(ended)

    async def _tell(self, due: _Due, done: dict[str, Any]) -> None:
        if due.rests and done["came_to"] == KEPT:
            _log.info("an exception has ended, and policy allows without it", **done)
        else:
            await self.alarm.sound(due.event, done)

    async def _standing(self, tx: Transaction) -> tuple[Pointer, ...]:
        decisions = await OverrideStore(tx).every_id()
        return await self.gate.registry.moved_by(tx, decisions) if decisions else ()

    async def _is_over(self, tx: Transaction, pointer: Pointer) -> bool:
        try:
            await self.gate.registry.warrants.check(tx, pointer)
        except Lapsed:
            return True
        except SekishoError as error:
            # Somebody edited the database; `resolve` refuses it, and it is not for us to mend.
            _log.error("an override's pointer is not borne out", reason=error.detail)
        return False

    async def _end(self, due: _Due) -> dict[str, Any] | None:
        """What became of it, for the alarm; None where the stage moved on meanwhile."""
        for attempt in range(ATTEMPTS + 1):
            # What the judgement rests on keeps changing: an override is not served meanwhile, so at last it goes back.
            asked = await self._ask(due.pointer, judge=attempt < ATTEMPTS)
            async with self.gate.database.write() as tx:
                await self.gate.ledger.lock(tx)
                if not await self._still_there(tx, due.pointer):
                    return None
                if asked.size is None or not await self.gate.ledger.grew(tx, asked.size):
                    return await self._settle(tx, due, asked)
        raise AssertionError("the last attempt rests on nothing that could change")

    async def _ask(self, pointer: Pointer, *, judge: bool) -> _Asked:
        async with self.gate.database.read() as tx:
            earlier = await DecisionStore(tx).one_or_none(pointer.project, pointer.decision_id)
            version = await _find(self.gate, tx, pointer, pointer.digest)
            if earlier is None:
                raise Unwarranted(f"there is no decision {pointer.decision_id}")
            document = await DecisionStore(tx).input_of(earlier.id)
            question = Question(
                version, GateAction.PROMOTE, pointer.stage, earlier.requester, document["requester"]["kind"],
                epoch_ms(self.gate.clock.now()),
            )  # fmt: skip
            if not judge:
                return _Asked(earlier, question, None, None, None, "what the judgement rests on kept changing")
            size, latest = await self.gate.ledger.end(tx, RECENT)
            try:
                bench = await self.gate.benches.sitting(tx)
                gate_input = await self.gate.assembler.under(bench.policies.parameters).assemble(tx, question)
            except SekishoError as error:
                return _Asked(earlier, question, None, None, size, error.detail)
        judgement = await judged(bench, gate_input, latest)
        decision = self.gate.draft(question, gate_input, judgement)
        return _Asked(earlier, question, gate_input, decision, size, decision.error)

    async def _still_there(self, tx: Transaction, pointer: Pointer) -> bool:
        now = await self.gate.registry.pointer(tx, pointer.project, pointer.kind, pointer.name, pointer.stage)
        return now == pointer

    async def _settle(self, tx: Transaction, due: _Due, asked: _Asked) -> dict[str, Any]:
        """Keep the judgement, and move the stage where it has to go back: all or nothing."""
        earlier, pointer = asked.earlier, due.pointer
        if asked.decision is not None and asked.gate_input is not None:
            request = digest_of({due.what: earlier.id})
            await self.gate.record(
                tx, asked.question, asked.gate_input, asked.decision, None, request, pointer.digest
            )  # fmt: skip
        how = due.comes_to(asked.decision) or await self._go_back(tx, due, asked)
        body: dict[str, Any] = {due.what: earlier.id, "stage": pointer.stage, "came_to": how}
        body |= {} if asked.decision is None else {"decision": asked.decision.id}
        body |= {} if asked.error is None else {"error": asked.error}
        body |= {"ended": sorted(one.id for one in due.rests)} if due.rests else {}
        await self.gate.ledger.append(
            tx, kind=due.event, project=pointer.project, principal=SYSTEM, subject=pointer.digest, body=body
        )
        blocking = [] if asked.decision is None else list(asked.decision.blocking)
        told = {**told_of(earlier), "came_to": how, "blocking": blocking, "error": asked.error or ""}
        return {**told, "ended": sorted({one.rule for one in due.rests})} if due.rests else told

    async def _go_back(self, tx: Transaction, due: _Due, asked: _Asked) -> str:
        """To what stood there by an allow before, where that may still be used; else to nothing.

        What an exception let move along with it goes back too, where it still stands by the same decision.
        """
        earlier, decision = asked.earlier, (asked.decision or asked.earlier).id
        if earlier.override is not None:
            return await self._put_back(tx, due.pointer, override_of(earlier.override).returns_to, decision)
        for other in earlier.dependencies:
            kind, _, name = str(other["subject"]).partition("/")
            beside = await self.gate.registry.pointer(tx, earlier.project, Kind(kind), name, earlier.stage)
            if beside is not None and beside.decision_id == earlier.id:
                await self._put_back(tx, beside, await self.lapses.former(tx, beside), decision)
        return await self._put_back(tx, due.pointer, await self.lapses.former(tx, due.pointer), decision)

    async def _put_back(self, tx: Transaction, pointer: Pointer, back: Former | None, decision: str) -> str:
        version = None if back is None else await self._usable(tx, pointer, back)
        if back is None or version is None:
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
class _Due:
    """What is over: an override, or, where there are `rests`, what an allowing decision rested on."""

    pointer: Pointer
    rests: tuple[Rest, ...] = ()

    @property
    def what(self) -> str:
        return "rested" if self.rests else "override"

    @property
    def event(self) -> str:
        return LAPSED if self.rests else ENDED

    def comes_to(self, decision: Decision | None) -> str | None:
        """What the judgement makes of it; None where the stage goes back.

        An exception's end is no reason to take away what is denied for other reasons: evidence grows old, and stages
        before move on, of every version that is served, and nobody takes that one away.
        """
        if decision is not None and decision.outcome is Outcome.ALLOW:
            return KEPT
        excepted = {one.rule for one in self.rests}
        other = decision is not None and decision.outcome is Outcome.DENY and excepted.isdisjoint(decision.blocking)
        return STANDS if excepted and other else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What policy said of what is over. `size` is the log's, as it said so; None: it rests on nothing."""

    earlier: Decision
    question: Question
    gate_input: GateInput | None
    decision: Decision | None
    size: int | None
    error: str | None


async def _find(gate: Gate, tx: Transaction, pointer: Pointer, digest: str) -> Version:
    selector = DigestPrefix(digest.removeprefix(PREFIX))
    return await gate.registry.find(tx, Reference(pointer.project, Kind(pointer.kind), pointer.name, selector))
