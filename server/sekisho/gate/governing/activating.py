"""Use cases of activating: one owner proposes with what would change before him, a second one approves exactly that."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from sekisho.gate.governing.content import policies_of, published_or_raise
from sekisho.gate.governing.flips import Engine, Judged, flips, last_inputs, report, report_digest
from sekisho.gate.governing.standing import ACTIVATED, PolicyInForce
from sekisho.gate.governing.store import ActivationStore
from sekisho.gate.governing.trial import STEP_SECONDS, tried
from sekisho.gate.governing.types import LOOK_BACK, Activation, Published, parse_label
from sekisho.gate.policies import PolicySet
from sekisho.gate.replay import Summary, Turn
from sekisho.identity.independence import independence_of
from sekisho.identity.types import EVERYWHERE, SYSTEM, Action, Actor, Origins, Principal, PrincipalKind
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.errors import Conflict, EngineFailed, FieldError, Forbidden, Invalid, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.logging import get_logger
from sekisho.ledger.service import Ledger
from sekisho.registry.revoking import checked_reason

_log = get_logger("sekisho.gate")

PATIENCE_S: Final = 120.0
"""How long the last decisions may take under a policy that is proposed, its trial included."""


class People(Protocol):
    """What the two-owner rule asks of identity."""

    async def people_named(self, tx: Transaction, named: Collection[str]) -> Mapping[str, Principal]: ...

    async def origins_of(self, tx: Transaction, names: Collection[str], token_ids: Collection[str]) -> Origins: ...

    async def who_may(
        self, tx: Transaction, names: Collection[str], project: str, action: Action
    ) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Activating:
    """Proposals, approvals and withdrawals. `engine` makes the embedded engines that flips are judged on."""

    database: Database
    clock: Clock
    ledger: Ledger
    people: People
    in_force: PolicyInForce
    engine: Engine
    seconds: float = STEP_SECONDS
    patience_s: float = PATIENCE_S

    async def preview(self, actor: Actor, label: str, judged: Judged | None = None) -> dict[str, Any]:
        """What a proposal of that policy would show. Nothing is kept."""
        actor.require(EVERYWHERE, Action.GOVERN)
        _, found, _ = await self._report(label, judged)
        return found

    async def propose(
        self, actor: Actor, label: str, *, reason: str, accept: str | None = None, judged: Judged | None = None
    ) -> Activation:
        """Propose a published policy, with the flips over the last decisions as they are now.

        Raises `Forbidden` for a service, `Invalid` where a denial would become an allow and `accept` does not say why
        it may, `Conflict` where the policy is in force already, gives no verdict on an input, or another policy was
        activated meanwhile, `EngineFailed` where it takes longer than `patience_s`. `judged` hears how far it is;
        nothing is kept before all is judged.
        """
        _owner(actor)
        said = checked_reason(reason)
        candidate, found, summary = await self._report(label, judged)
        accepted = _accepted(summary, accept)
        now = self.clock.now()
        proposal = Activation(
            id=new_id(now),
            name=candidate.name,
            number=candidate.number,
            digest=candidate.digest,
            from_digest=found["from"],
            reason=said,
            accepted=accepted,
            report=found,
            report_digest=report_digest(found),
            proposed_by=actor.principal,
            proposed_with=actor.token_id,
            proposed_at=epoch_ms(now),
        )
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            await self._same_in_force(tx, proposal)
            await ActivationStore(tx).insert(proposal)
            await self._record(tx, "policy.proposed", actor.principal, proposal, {"from": proposal.from_digest or ""})
        return proposal

    async def approve(self, actor: Actor, activation_id: str, report: str) -> Activation:
        """Put a proposed policy in force, as the second owner, who names the report that he saw by its digest.

        The policy is tried again first, and where that fails nothing changes. From the commit on every process decides
        by it. Raises `Forbidden` for the proposer and whoever is not independent of him, `Conflict` where the proposal
        is not open any more or the report is another.
        """
        _owner(actor)
        async with self.database.read() as tx:
            proposal = await self._open(tx, activation_id, report)
            await self._independent(tx, actor, proposal)
            policies = await self._policies(tx, proposal)
        await self._tried(policies)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            proposal = await self._open(tx, activation_id, report)
            await self._independent(tx, actor, proposal)
            done = await self.activate_in(tx, replace(proposal, approved_by=actor.principal))
        await self.in_force.now()
        return done

    async def activate_in(self, tx: Transaction, proposal: Activation) -> Activation:
        """Sign and record an activation that nothing stands against, in a transaction that holds the ledger's lock."""
        placed = replace(proposal, seq=await ActivationStore(tx).next_seq(), approved_at=epoch_ms(self.clock.now()))
        envelope, signed = self.ledger.attest(placed.signed())
        done = replace(placed, envelope=envelope)
        if not await ActivationStore(tx).activate(done):
            raise Conflict(f"the proposal {proposal.id} is not open any more", remedy="propose the policy again")
        more = {"from": done.from_digest or "", "proposed_by": done.proposed_by, "seq": done.seq, "attestation": signed}
        await self._record(tx, ACTIVATED, done.approved_by or SYSTEM, done, more)
        await self.database.announce(tx)
        _log.info("a policy was activated", policy=done.digest, label=done.label, by=done.approved_by or SYSTEM)
        return done

    async def withdraw(self, actor: Actor, activation_id: str) -> Activation:
        """Take back a proposal, as any owner. Once withdrawn it stays so."""
        _owner(actor)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            proposal = await self._one(tx, activation_id)
            if not await ActivationStore(tx).withdraw(proposal.id, actor.principal, epoch_ms(self.clock.now())):
                raise Conflict(f"the proposal {proposal.id} is not open", remedy="look at `sekisho policy activations`")
            await self._record(tx, "policy.withdrawn", actor.principal, proposal, {})
            return await self._one(tx, activation_id)

    async def page(self, actor: Actor) -> tuple[list[tuple[Activation, str]], str]:
        """Proposals and activations with their states, newest first, and the digest of the policy in force."""
        actor.require(EVERYWHERE, Action.GOVERN)
        async with self.database.read() as tx:
            standing = await ActivationStore(tx).in_force_or_none()
            now = epoch_ms(self.clock.now())
            found = [(one, one.state(now, standing)) for one in await ActivationStore(tx).all()]
            return found, standing.digest if standing else ""

    async def one(self, actor: Actor, activation_id: str) -> tuple[Activation, str]:
        """A proposal with its whole report, and its state."""
        actor.require(EVERYWHERE, Action.GOVERN)
        async with self.database.read() as tx:
            found = await self._one(tx, activation_id)
            return found, found.state(epoch_ms(self.clock.now()), await ActivationStore(tx).in_force_or_none())

    async def _report(self, label: str, judged: Judged | None) -> tuple[Published, dict[str, Any], Summary]:
        try:
            async with asyncio.timeout(self.patience_s):
                return await self._judged(label, judged)
        except TimeoutError as error:
            raise EngineFailed(
                f"the last {LOOK_BACK} decisions were not judged within {self.patience_s:g} s; nothing was changed",
                remedy="make the policy faster, or ask when the server is less busy",
            ) from error

    async def _judged(self, label: str, judged: Judged | None) -> tuple[Published, dict[str, Any], Summary]:
        async with self.database.read() as tx:
            candidate = await published_or_raise(tx, *parse_label(label))
            after = await policies_of(tx, candidate)
            before = (await self.in_force.sitting(tx)).policies
            kept = await last_inputs(tx)
        if before.digest == after.digest:
            raise Conflict(f"{candidate.label} is the policy in force already", remedy="there is nothing to activate")
        await self._tried(after)
        summary = await flips(kept, before, after, self.engine, judged)
        return candidate, report(before, after, summary), summary

    async def _open(self, tx: Transaction, activation_id: str, report: str) -> Activation:
        proposal = await self._one(tx, activation_id)
        await self._same_in_force(tx, proposal)
        state = proposal.state(epoch_ms(self.clock.now()), await ActivationStore(tx).in_force_or_none())
        if state != "proposed":
            raise Conflict(f"the proposal {proposal.id} is {state}", remedy="propose the policy again")
        if report != proposal.report_digest:
            raise Conflict(
                f"the approval names another report than the proposal's, which is {proposal.report_digest}",
                remedy=f"look at it first: sekisho policy proposal {proposal.id}",
            )
        return proposal

    async def _one(self, tx: Transaction, activation_id: str) -> Activation:
        found = await ActivationStore(tx).one_or_none(activation_id)
        if found is None:
            raise NotFound(f"there is no proposal or activation {activation_id}")
        return found

    async def _same_in_force(self, tx: Transaction, proposal: Activation) -> None:
        standing = await ActivationStore(tx).in_force_or_none()
        if proposal.seq is None and (standing.digest if standing else None) != proposal.from_digest:
            raise Conflict(
                "another policy was activated meanwhile, so these flips are against one that is no longer in force",
                remedy=f"look at what would change now, and propose again: sekisho policy activate {proposal.label}",
            )

    async def _policies(self, tx: Transaction, proposal: Activation) -> PolicySet:
        published = await published_or_raise(tx, proposal.name, proposal.number)
        policies = await policies_of(tx, published)
        if policies.digest != proposal.digest:
            raise Conflict(f"{published.label} is not the policy that was proposed", remedy="propose it again")
        return policies

    async def _tried(self, policies: PolicySet) -> None:
        if failed := (await tried(policies, seconds=self.seconds)).failed:
            raise EngineFailed(
                f"the policy failed its self-test and nothing was changed: {'; '.join(failed)}",
                remedy="mend it, and publish it as a new version",
            )

    async def _independent(self, tx: Transaction, actor: Actor, proposal: Activation) -> None:
        """Neither owner may be the other, have made the other, or act by a token that came from the other."""
        proposer = proposal.proposed_by
        people = await self.people.people_named(tx, {proposer, actor.principal})
        tokens = {token for token in (proposal.proposed_with, actor.token_id) if token}
        origins = await self.people.origins_of(tx, {proposer, actor.principal}, tokens)
        may = await self.people.who_may(tx, {proposer}, EVERYWHERE, Action.GOVERN)
        reasons = [] if proposer in may else [f"{proposer} no longer owns policy"]
        for one, other, because, token in (
            (actor.principal, proposer, "proposer", actor.token_id),
            (proposer, actor.principal, "approver", proposal.proposed_with or ""),
        ):
            person = people.get(one)
            reasons += independence_of(
                one,
                person.kind if person else None,
                {other: because},
                origins.creators.get(one, ()),
                None,
                email=person.email if person else None,
                further_issuers=origins.issuers.get(token, ()),
            )
        if reasons:
            raise Forbidden(
                f"{actor.principal} may not approve this: {'; '.join(dict.fromkeys(reasons))}",
                remedy="ask another policy owner, who has nothing to do with the proposer's account",
            )

    async def _record(
        self, tx: Transaction, kind: str, principal: str, activation: Activation, more: Mapping[str, Any]
    ) -> None:
        await self.ledger.append(
            tx,
            kind=kind,
            project=EVERYWHERE,
            principal=principal,
            subject=activation.digest,
            body={
                "activation": activation.id,
                "policy": activation.label,
                "report": activation.report_digest,
                "reason": activation.reason,
                "accepted": activation.accepted or "",
                **more,
            },
        )


def _owner(actor: Actor) -> None:
    actor.require(EVERYWHERE, Action.GOVERN)
    if actor.kind is not PrincipalKind.PERSON:
        raise Forbidden(f"{actor.principal} is a service; only people put a policy in force")


def _accepted(summary: Summary, accept: str | None) -> str | None:
    broken = [one for one in summary.listed if one.turn is Turn.UNJUDGED and one.engine_failed]
    if broken:
        raise Conflict(
            f"the policy gives no verdict on {len(broken)} of the last decisions: {broken[0].reason}",
            remedy="mend it, and publish it as a new version",
        )
    loosened = summary.turns[Turn.LOOSENED]
    if loosened and not (accept or "").strip():
        first = next(one for one in summary.listed if one.turn is Turn.LOOSENED)
        raise Invalid(
            f"{loosened} denial(s) of the last decisions would become allows, {first.past.subject} to "
            f"{first.past.stage} for instance, and nothing says why they may",
            fields=[FieldError("$.accept", "say why these denials may become allows")],
        )
    return checked_reason(accept or "") if loosened else None
