"""Stages that serve what an exception let pass which has ended since, and what served them before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from sekisho.gate.overrides.resting import Rest, ended, next_end, rests_of
from sekisho.gate.overrides.standing import as_allowed
from sekisho.gate.overrides.store import OverrideStore
from sekisho.gate.overrides.types import Former
from sekisho.gate.store import DecisionStore
from sekisho.gate.types import Outcome
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import IntegrityFailed, SekishoError, Unwarranted
from sekisho.kernel.logging import get_logger
from sekisho.ledger.service import Ledger
from sekisho.ledger.statements import signed_statement
from sekisho.registry.service import Registry
from sekisho.registry.types import Move, Pointer

_log = get_logger("sekisho.gate")

LAPSED: Final = "exception.ended"
SOON_MS: Final = 3 * 86_400_000
"""How long before its end an exception is told of by readiness: time to mend, to approve and to promote again."""
RECENT: Final = 500
"""How many of the ledger's last entries are asked for the time, beside this machine's clock."""


@dataclass(frozen=True, slots=True)
class Lapse:
    """A pointer whose decision rested on what has ended by now."""

    pointer: Pointer
    rests: tuple[Rest, ...]


@dataclass
class Lapses:
    """Finds them, by what was signed: the statement, and the input whose digest stands in it."""

    database: Database
    ledger: Ledger
    registry: Registry
    _rests: dict[str, tuple[Rest, ...]] = field(default_factory=dict, init=False, repr=False)
    _told: set[str] = field(default_factory=set, init=False, repr=False)

    async def due(self, tx: Transaction) -> tuple[Lapse, ...]:
        """Those that nobody has judged again yet."""
        over = await self._all(tx, await self._now(tx))
        return tuple([lapse for lapse in over if not await self._judged(tx, lapse.pointer)])

    async def check(self) -> None:
        """Raises `Unwarranted`, with their number, where a stage serves by an exception that has ended or soon will."""
        async with self.database.read() as tx:
            now = await self._now(tx)
            found = await self._all(tx, now + SOON_MS)
        if not found:
            return
        over = sum(next_end(lapse.rests) <= now for lapse in found)
        raise Unwarranted(
            f"stages that serve what a waiver or an attested document let pass: {over} whose exception has ended, "
            f"{len(found) - over} whose exception ends within three days",
            remedy="mend what was excepted, or have it excepted anew, and promote the version again: "
            "`sekisho waiver list` and `sekisho attested` show when each ends",
        )

    async def _all(self, tx: Transaction, now: int) -> list[Lapse]:
        pointers = await self.registry.every_pointer(tx)
        found = [Lapse(pointer, ended(await self._rests_of(tx, pointer), now)) for pointer in pointers]
        standing = {pointer.decision_id for pointer in pointers}
        self._rests = {decision: rests for decision, rests in self._rests.items() if decision in standing}
        return [lapse for lapse in found if lapse.rests]

    async def _now(self, tx: Transaction) -> int:
        """A clock that is set back makes no exception last longer."""
        size = await self.ledger.size(tx)
        return max(epoch_ms(self.ledger.clock.now()), await self.ledger.latest(tx, size - RECENT))

    async def _rests_of(self, tx: Transaction, pointer: Pointer) -> tuple[Rest, ...]:
        if (known := self._rests.get(pointer.decision_id)) is not None:
            return known
        try:
            found = await self._read(tx, pointer)
        except SekishoError as error:  # `resolve` refuses such a pointer, and readiness is red
            if pointer.decision_id not in self._told:
                self._told.add(pointer.decision_id)
                _log.error("what a stage's pointer rests on is not borne out", reason=error.detail)
            return ()
        self._rests[pointer.decision_id] = found
        return found

    async def _read(self, tx: Transaction, pointer: Pointer) -> tuple[Rest, ...]:
        """Nothing for what came along with another version, or by break-glass, which has an end of its own."""
        decision = await DecisionStore(tx).one_or_none(pointer.project, pointer.decision_id)
        if decision is None or decision.envelope is None:
            raise Unwarranted(f"there is no signed decision {pointer.decision_id}")
        statement = signed_statement(dict(decision.envelope), self.ledger.keys)
        decided = statement.predicate
        about = {(subject.name, f"sha256:{subject.digest.sha256}") for subject in statement.subject}
        of_it = (f"{pointer.project}/{pointer.kind}/{pointer.name}", pointer.digest) in about
        if decided.outcome != Outcome.ALLOW.value or not of_it:
            return ()
        document = await DecisionStore(tx).input_of(decision.id)
        if digest_of(document) != decided.input_digest:
            raise IntegrityFailed(f"the input of decision {decision.id} is not the one that was judged")
        return rests_of(decided, document)

    async def _judged(self, tx: Transaction, pointer: Pointer) -> bool:
        """Whether it was judged since, and stays for other reasons than the exception."""
        entries = await self.ledger.about(tx, project=pointer.project, kind=LAPSED, subject=pointer.digest)
        return any(entry.body.get("rested") == pointer.decision_id for entry in entries)

    async def former(self, tx: Transaction, pointer: Pointer) -> Former | None:
        """What served the stage last by an allowing decision that still stands by itself; never the same bytes."""
        now = await self._now(tx)
        moves = await self.registry.moves(tx, pointer.project, pointer.kind, pointer.name, pointer.stage)
        for move in moves:
            earlier = _pointer_of(pointer, move)
            if earlier is None or earlier.digest == pointer.digest:
                continue
            for allowed in await as_allowed(tx, [earlier]):
                if allowed.digest != pointer.digest and await self._stands(tx, allowed, now):
                    return Former(allowed.digest, allowed.number, allowed.decision_id)
        return None

    async def _stands(self, tx: Transaction, pointer: Pointer, now: int) -> bool:
        try:
            await self.registry.warrants.check(tx, pointer)
        except SekishoError:
            return False
        overridden = await OverrideStore(tx).among([pointer.decision_id])
        return not overridden and not ended(await self._rests_of(tx, pointer), now)


def _pointer_of(pointer: Pointer, move: Move) -> Pointer | None:
    """The stage's pointer as a move left it; None where it left the stage empty."""
    if move.to_digest is None or move.number is None:
        return None
    return replace(
        pointer, digest=move.to_digest, number=move.number, decision_id=move.decision_id, moved_at=move.moved_at,
        seq=move.seq,
    )  # fmt: skip
