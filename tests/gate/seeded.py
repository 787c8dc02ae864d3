"""A pointer where policy would not put it: moved by a decision that is signed and kept, but that no engine made."""

from __future__ import annotations

from dataclasses import replace

from sekisho.gate.records import Decision, GateAction
from sekisho.gate.service import statement_of
from sekisho.gate.store import DecisionStore
from sekisho.gate.types import Outcome
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.ids import new_id
from sekisho.kernel.references import Reference
from sekisho.registry.types import Version
from sekisho.wiring.services import Services

NOTHING = "sha256:" + "0" * 64


async def seed(services: Services, reference: Reference, stage: str, expected: str | None = None) -> Version:
    """Let the stage serve that version."""
    now = services.clock.now()
    async with services.database.write() as tx:
        await services.ledger.lock(tx)
        version = await services.registry.find(tx, reference)
        decision = Decision(
            id=new_id(now), project=version.project, kind=version.kind.value, name=version.name,
            digest=version.digest, number=version.number, action=GateAction.PROMOTE, stage=stage,
            outcome=Outcome.ALLOW, requester="admin", decided_at=epoch_ms(now), input_digest=NOTHING,
            evidence_hash=NOTHING, policy_digest=services.policy.digest, engine="seeded 1", answer=None, error=None,
        )  # fmt: skip
        envelope, _ = services.ledger.attest(statement_of(decision, []))
        await DecisionStore(tx).insert(replace(decision, envelope=envelope), {})
        await services.registry.move_pointer(
            tx, version=version, stage=stage, expected=expected, decision_id=decision.id, principal="admin"
        )
    return version
