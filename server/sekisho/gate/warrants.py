"""What bears out a stage's pointer: a signed decision about these very bytes and this stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET

from sekisho.gate.overrides.store import OverrideStore
from sekisho.gate.store import DecisionStore, WaiverStore
from sekisho.gate.types import Outcome
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import IntegrityFailed, Lapsed, Unwarranted
from sekisho.ledger.service import Ledger
from sekisho.ledger.statements import Statement, WaiverUsed, signed_statement
from sekisho.registry.terms import Overridden, Terms, Waived
from sekisho.registry.types import Pointer

_MOVES = (Outcome.ALLOW, Outcome.OVERRIDE)


@dataclass(frozen=True, slots=True)
class Warrants:
    """Checks pointers against the statements that the gate signed, by the keys that the server has or had."""

    ledger: Ledger

    async def check(self, tx: Transaction, pointer: Pointer) -> Terms:
        """What was set aside for it, where an override put it there, and what its decision waived.

        Raises `Unwarranted` where no signed decision moved this digest to this stage, `Lapsed` where an override did
        that is over. The log's own entries count as a clock too: one that is set back makes no override last longer.
        """
        envelope = await DecisionStore(tx).envelope_of(pointer.project, pointer.decision_id)
        if envelope is None:
            raise _unwarranted(pointer, f"there is no signed decision {pointer.decision_id}")
        try:
            statement = signed_statement(envelope, self.ledger.keys)
        except IntegrityFailed as error:
            raise _unwarranted(pointer, error.detail) from error
        if fault := _fault(statement, pointer):
            raise _unwarranted(pointer, fault)
        override = None
        if statement.predicate.outcome == Outcome.OVERRIDE.value:
            override = await self._standing(tx, pointer, statement)
        waived = await self._waived(tx, statement.predicate.waivers or ())
        ends = [one.until for one in waived if not one.lapsed] + ([override.until] if override else [])
        return Terms(override, waived, min(ends, default=None))

    async def _waived(self, tx: Transaction, waivers: Sequence[WaiverUsed]) -> tuple[Waived, ...]:
        """What the decision waived, each with whether the exception still stands. Without it the version is served
        until policy has judged again (`overrides.ending`): the decision was made while it stood."""
        if not waivers:
            return ()
        now = epoch_ms(self.ledger.clock.now())
        withdrawn = await WaiverStore(tx).withdrawn([waiver.id for waiver in waivers])
        return tuple(Waived(one.rule, one.expires_at, one.id in withdrawn or one.expires_at <= now) for one in waivers)

    async def _standing(self, tx: Transaction, pointer: Pointer, statement: Statement) -> Overridden:
        found = await OverrideStore(tx).one_or_none(pointer.decision_id)
        if found is None or found[0].signed(pointer.decision_id) != statement.predicate.override:
            raise _unwarranted(pointer, f"what decision {pointer.decision_id} set aside is not what was signed")
        override, seq = found
        if max(epoch_ms(self.ledger.clock.now()), await self.ledger.latest(tx, seq)) >= override.until:
            raise Lapsed(
                f"{pointer.stage} of {pointer.kind}/{pointer.name} has v{pointer.number} by an override that is over",
                remedy="a server judges it again within seconds and keeps it or returns to what stood there before; "
                "where none does, promote a version that policy allows, or roll back",
            )
        return Overridden(override.until, override.reason)


def _fault(statement: Statement, pointer: Pointer) -> str | None:
    """What the decision is about instead of this pointer; None where it bears it out."""
    decided = statement.predicate
    if decided.decision_id != pointer.decision_id:
        return f"what is kept as decision {pointer.decision_id} is the statement of decision {decided.decision_id}"
    if decided.outcome not in _MOVES:
        return f"decision {decided.decision_id} is a {decided.outcome}"
    if decided.stage != pointer.stage:
        return f"decision {decided.decision_id} is about {decided.stage}"
    along = [] if decided.dependencies is UNSET else decided.dependencies
    moved = {(subject.name, f"sha256:{subject.digest.sha256}") for subject in (*statement.subject, *along)}
    if (f"{pointer.project}/{pointer.kind}/{pointer.name}", pointer.digest) not in moved:
        return f"decision {decided.decision_id} is not about {pointer.digest}"
    return None


def _unwarranted(pointer: Pointer, fault: str) -> Unwarranted:
    return Unwarranted(
        f"{pointer.stage} of {pointer.kind}/{pointer.name} points at v{pointer.number} and is not served: {fault}",
        remedy="the database was changed behind Sekisho's back; restore it from a backup, or promote a version there",
    )
