"""What bears out a stage's pointer: a signed decision about these very bytes and this stage."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET

from sekisho.gate.store import DecisionStore
from sekisho.gate.types import Outcome
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import IntegrityFailed, Unwarranted
from sekisho.ledger.service import Ledger
from sekisho.ledger.statements import Statement, signed_statement
from sekisho.registry.types import Pointer

_MOVES = (Outcome.ALLOW, Outcome.OVERRIDE)


@dataclass(frozen=True, slots=True)
class Warrants:
    """Checks pointers against the statements that the gate signed, by the keys that the server has or had."""

    ledger: Ledger

    async def check(self, tx: Transaction, pointer: Pointer) -> None:
        """Raises `Unwarranted` where no signed, allowing decision moved this digest to this stage."""
        envelope = await DecisionStore(tx).envelope_of(pointer.project, pointer.decision_id)
        if envelope is None:
            raise _unwarranted(pointer, f"there is no signed decision {pointer.decision_id}")
        try:
            statement = signed_statement(envelope, self.ledger.keys)
        except IntegrityFailed as error:
            raise _unwarranted(pointer, error.detail) from error
        if fault := _fault(statement, pointer):
            raise _unwarranted(pointer, fault)


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
