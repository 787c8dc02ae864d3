"""Who gave an approval or a waiver, as policy sees him now: whether he is independent, and still holds the role."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sekisho.gate import input_types as gate
from sekisho.gate.records import Approval, Waiver
from sekisho.gate.scalars import PrincipalKind
from sekisho.identity.independence import independence_of
from sekisho.identity.types import Action, Origins, Principal
from sekisho.kernel.database import Transaction

UNBORNE: Final = "the ledger does not bear it out: its row was changed by hand"


class People(Protocol):
    """What the gate asks of identity."""

    async def people_named(self, tx: Transaction, named: Collection[str]) -> Mapping[str, Principal]: ...

    async def origins_of(self, tx: Transaction, names: Collection[str], token_ids: Collection[str]) -> Origins: ...

    async def who_may(
        self, tx: Transaction, names: Collection[str], project: str, action: Action
    ) -> frozenset[str]: ...

    async def who_holds(self, tx: Transaction, names: Collection[str], project: str) -> frozenset[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Hand:
    """Someone who is about to do what takes a second person, by the token that he uses."""

    principal: str
    token_id: str


@dataclass(frozen=True, slots=True)
class Givers:
    """What is known of those who gave approvals or waivers, by name; of their tokens by id.

    `because` is who had a hand in the change, with what he did; `unborne` are the ids of what the ledger does not know
    as it stands.
    """

    people: Mapping[str, Principal]
    creators: Mapping[str, tuple[str, ...]]
    issuers: Mapping[str, tuple[str, ...]]
    approvers: frozenset[str]
    because: Mapping[str, str]
    unborne: frozenset[str] = frozenset()

    def approval(self, approval: Approval) -> gate.ApprovalEvidence:
        person = self.people.get(approval.principal)
        reasons = self.reasons(approval)
        return gate.ApprovalEvidence(
            id=approval.id,
            principal=approval.principal,
            kind=person_or_service(person.kind.value if person else "service"),
            digest=approval.digest,
            stage=approval.stage,
            evidence_hash=approval.evidence_hash,
            at=approval.created_at,
            expires_at=approval.expires_at,
            independent=not reasons,
            reasons=tuple(reasons),
            has_role=approval.principal in self.approvers,
        )

    def waiver(self, waiver: Waiver) -> gate.WaiverEvidence:
        return gate.WaiverEvidence(
            id=waiver.id,
            rule=waiver.rule,
            digest=waiver.digest,
            stage=waiver.stage,
            expires_at=waiver.expires_at,
            principal=waiver.principal,
            independent=not self.reasons(waiver),
            has_role=waiver.principal in self.approvers,
        )

    def reasons(self, given: Approval | Waiver | Hand) -> list[str]:
        """Why the giver is no second person to the change; empty where he is."""
        person = self.people.get(given.principal)
        edited = [UNBORNE] if not isinstance(given, Hand) and given.id in self.unborne else []
        return edited + independence_of(
            approver=given.principal,
            kind=person.kind if person else None,
            involved=self.because,
            creators=self.creators[given.principal],
            token_issuer=None,
            email=person.email if person else None,
            further_issuers=self.issuers[given.token_id],
        )


async def givers_of(
    tx: Transaction,
    people: People,
    project: str,
    given: Sequence[Approval | Waiver | Hand],
    involved: tuple[gate.Involved, ...],
    unborne: frozenset[str] = frozenset(),
) -> Givers:
    """Look up everything that is known of them."""
    names = {one.principal for one in given}
    because: dict[str, str] = {}
    for one in involved:
        because.setdefault(one.principal, one.because)
    origins = await people.origins_of(tx, names, {one.token_id for one in given})
    return Givers(
        people=await people.people_named(tx, names),
        creators=origins.creators,
        issuers=origins.issuers,
        approvers=await people.who_may(tx, names, project, Action.APPROVE),
        because=because,
        unborne=unborne,
    )


def person_or_service(kind: str) -> PrincipalKind:
    return "person" if kind == "person" else "service"
