"""Use cases of approvals: a person's yes to a digest, a stage and an evidence hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sekisho.gate.assembly import Assembler
from sekisho.gate.bench import Benches
from sekisho.gate.records import APPROVAL_DAYS, Approval
from sekisho.gate.store import ApprovalStore
from sekisho.identity.types import Action, Actor, PrincipalKind
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.errors import Archived, Conflict, Forbidden
from sekisho.kernel.ids import new_id
from sekisho.kernel.references import Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.service import Registry
from sekisho.registry.types import Version

DAY_MS: Final = 86_400_000
ATTEMPTS: Final = 5
"""How often the evidence is looked at anew because something entered the ledger meanwhile."""


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What an approver is about to say yes to: the version, the stage, and the hash of the evidence as it stands."""

    version: Version
    stage: str
    hash: str


@dataclass(frozen=True, slots=True)
class Approvals:
    """Takes approvals; what can never count is refused at once, what may lapse is judged by policy each time."""

    database: Database
    clock: Clock
    ledger: Ledger
    registry: Registry
    assembler: Assembler
    benches: Benches

    async def evidence(self, actor: Actor, reference: Reference, stage: str) -> EvidenceView:
        """The evidence hash that an approval must name now."""
        actor.require(reference.project, Action.READ)
        async with self.database.read() as tx:
            (await self.benches.sitting(tx)).known_stage(stage)
            version = await self.registry.find(tx, reference)
            return EvidenceView(version, stage, await self._standing(tx, version, stage))

    async def approve(self, actor: Actor, reference: Reference, stage: str, evidence_hash: str) -> Approval:
        """Record a person's yes.

        Raises `Forbidden` for a service and for anyone who had a hand in the change (or was created by someone
        who had), `Conflict` where the evidence is not what the approver saw, `Archived` for an archived version.
        """
        actor.require(reference.project, Action.APPROVE)
        if actor.kind is not PrincipalKind.PERSON:
            raise Forbidden(f"{actor.principal} is a service; only a person approves")
        for _ in range(ATTEMPTS):
            async with self.database.read() as tx:
                size = await self.ledger.size(tx)
                approval = await self._draft(tx, actor, reference, stage, evidence_hash)
            async with self.database.write() as tx:
                await self.ledger.lock(tx)
                if not await self.ledger.grew(tx, size):
                    await ApprovalStore(tx).insert(approval)
                    await self._record(tx, approval)
                    return approval
        raise Conflict("what is to be approved kept changing meanwhile; nothing was changed", remedy="look again")

    async def _draft(
        self, tx: Transaction, actor: Actor, reference: Reference, stage: str, evidence_hash: str
    ) -> Approval:
        """The approval, once everything that could forbid it has been looked at."""
        (await self.benches.sitting(tx)).known_stage(stage)
        version = await self.registry.find(tx, reference)
        if version.archived or version.revoked:
            raise Archived(f"{version} is archived or revoked", remedy="approve the version that is to be used")
        standing = await self._standing(tx, version, stage)
        if standing != evidence_hash:
            raise Conflict(
                "the evidence is not what the approval names: it has changed since, or belongs to another "
                f"version or stage (it is {standing})",
                remedy=f"look at the evidence of {version.label}@v{version.number} for {stage}, then approve again",
            )
        now = self.clock.now()
        approval = Approval(
            id=new_id(now),
            project=version.project,
            principal=actor.principal,
            kind=version.kind.value,
            name=version.name,
            digest=version.digest,
            stage=stage,
            evidence_hash=evidence_hash,
            token_id=actor.token_id,
            created_at=epoch_ms(now),
            expires_at=epoch_ms(now) + APPROVAL_DAYS * DAY_MS,
        )
        if reasons := await self.assembler.objections(tx, version, approval):
            raise Forbidden(
                f"{actor.principal} may not approve this: {'; '.join(reasons)}",
                remedy="ask someone who had no hand in the change and was not created by anyone who had",
            )
        return approval

    async def _standing(self, tx: Transaction, version: Version, stage: str) -> str:
        bench = await self.benches.sitting(tx)
        return await self.assembler.under(bench.policies.parameters).evidence_hash(
            tx, version, stage, epoch_ms(self.clock.now())
        )

    async def _record(self, tx: Transaction, approval: Approval) -> None:
        body = {"approval": approval.id, "stage": approval.stage, "evidence": approval.evidence_hash}
        body |= {"artifact": f"{approval.kind}/{approval.name}", "token": approval.token_id}
        await self.ledger.append(
            tx,
            kind="approval.given",
            project=approval.project,
            principal=approval.principal,
            subject=approval.digest,
            body={**body, "expires_at": approval.expires_at},
        )
