"""Use cases of the gate: promote, roll back, and look at decisions. Every door takes this path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from sekisho.gate.assembly import Assembler, Question
from sekisho.gate.bench import Bench, Benches
from sekisho.gate.dependencies import dependencies_of, move_along
from sekisho.gate.input_types import GateInput
from sekisho.gate.judge import Judgement
from sekisho.gate.overrides.alarms import Alarm
from sekisho.gate.overrides.glass import Glass
from sekisho.gate.overrides.noting import note, sound
from sekisho.gate.overrides.types import SKEW_MS, BreakGlass, override_of
from sekisho.gate.records import Decision, GateAction, Promotion
from sekisho.gate.refusing import Refusing, Unfit
from sekisho.gate.store import DecisionStore, PromotionStore
from sekisho.gate.types import Outcome
from sekisho.gate.waived import signed, waivers_behind
from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import Conflict, FieldError, Invalid, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.logging import get_logger
from sekisho.kernel.pages import Page, parse_cursor, parse_limit
from sekisho.kernel.references import Reference
from sekisho.ledger.service import Ledger
from sekisho.ledger.statements import PolicyUsed, RuleStatus, decision_statement
from sekisho.ledger.types import ATTESTATION, DECISION_MADE
from sekisho.registry.service import Registry
from sekisho.registry.types import Version

_log = get_logger("sekisho.gate")

MAX_KEY: Final = 128
RECENT: Final = 500
"""How many of the ledger's last entries are asked for the time: after a clock was set back, not only the last one."""
ATTEMPTS: Final = 5
"""How often a decision is made anew because something entered the ledger while the engine was thinking."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """A decision, and whether it moved the stage's pointer. `promotion_id` is None in a dry run.

    `beyond` are the rules for which break-glass did not help: none can set them aside.
    """

    decision: Decision
    applied: bool
    promotion_id: str | None
    replayed: bool = False
    beyond: tuple[str, ...] = ()


class Observer(Protocol):
    """Whoever wants to see each decision once it is kept."""

    def observe(self, decision: Decision, gate_input: GateInput) -> None:
        """Returns at once and never raises: the decision stands."""
        ...


@dataclass(frozen=True, slots=True)
class Gate:
    """Asks policy whether a version may move, records the answer, and moves it where the answer is yes.

    Which policy is asked of `benches` in the very snapshot that the input is read from. A decision whose policy was
    replaced before it could be written is made anew, so that none is made by a policy that is not in force.
    """

    database: Database
    clock: Clock
    ledger: Ledger
    registry: Registry
    assembler: Assembler
    benches: Benches
    glass: Glass
    alarm: Alarm
    observer: Observer | None = None

    async def promote(
        self, actor: Actor, reference: Reference, stage: str, *, dry_run: bool = False, key: str | None = None,
        with_dependencies: bool = False, break_glass: BreakGlass | None = None,
    ) -> Promoted:  # fmt: skip
        """Ask for a version to be moved to a stage; it moves only where the decision is ``allow``.

        `with_dependencies` moves the pointers of everything that it is made from as well, under the same decision:
        all of them or none. Policy has judged them in any case, as parts of the version's closure.

        `break_glass` sets a denial aside for some hours, whatever it is for, but for the rules that policy data does
        not list as overridable. It takes a role of its own, and a person who had no hand in the change.

        `key` makes the request idempotent: the same key and request give the first answer again. Raises `Invalid`
        for a stage that policy data does not know, `Conflict` where the key was used for another request or the
        stage's pointer moved while this was being decided.
        """
        if break_glass is None:
            actor.require(reference.project, Action.PROMOTE)
        else:
            break_glass = self.glass.check(actor, reference.project, break_glass)
            _alone(with_dependencies)
        promoted = await self._ask(
            actor, reference, stage, GateAction.PROMOTE, dry_run=dry_run, key=key, along=with_dependencies,
            break_glass=break_glass,
        )  # fmt: skip
        if break_glass is not None and promoted.promotion_id is not None and not promoted.replayed:
            await sound(self.alarm, promoted.decision, promoted.beyond)
        return promoted

    async def roll_back(
        self, actor: Actor, reference: Reference, stage: str, *, dry_run: bool = False, key: str | None = None
    ) -> Promoted:
        """Ask for a stage to return to a version that was formerly allowed there; raises as `promote`."""
        actor.require(reference.project, Action.OPERATE)
        return await self._ask(actor, reference, stage, GateAction.ROLLBACK, dry_run=dry_run, key=key)

    async def decision(self, actor: Actor, project: str, decision_id: str) -> Decision:
        """Raises `NotFound` also for another project's decision."""
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            return await self._decision(tx, project, decision_id)

    async def gate_input(self, actor: Actor, project: str, decision_id: str) -> dict[str, Any]:
        """The input that a decision was made on, byte for byte what the engine was given."""
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            await self._decision(tx, project, decision_id)
            return await DecisionStore(tx).input_of(decision_id)

    async def decisions(
        self, actor: Actor, project: str, *, name: str | None, stage: str | None, cursor: str | None, limit: int
    ) -> Page[Decision]:
        """Decisions of a project, newest first."""
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            return await DecisionStore(tx).page(
                project, name=name, stage=stage, after=parse_cursor(cursor), limit=parse_limit(limit)
            )

    async def attestation(self, actor: Actor, project: str, decision_id: str) -> dict[str, Any]:
        """The decision's attestation with its proof of inclusion, for offline verification."""
        decision = await self.decision(actor, project, decision_id)
        if decision.envelope is None or decision.ledger_seq is None:
            raise NotFound(f"decision {decision_id} has no attestation")
        return await self.ledger.attestation(dict(decision.envelope), decision.ledger_seq)

    async def _decision(self, tx: Transaction, project: str, decision_id: str) -> Decision:
        decision = await DecisionStore(tx).one_or_none(project, decision_id)
        if decision is None:
            raise NotFound(f"there is no decision {decision_id} in project {project}")
        return decision

    async def _ask(
        self, actor: Actor, reference: Reference, stage: str, action: GateAction, *, dry_run: bool, key: str | None,
        along: bool = False, break_glass: BreakGlass | None = None,
    ) -> Promoted:  # fmt: skip
        _known_key(key)
        refusing = Refusing(self.database, self.ledger, self.registry)
        async with refusing.noted(actor, reference, stage, action.value, dry_run=dry_run):
            return await self._decide(
                actor, reference, stage, action, dry_run=dry_run, key=key, along=along, break_glass=break_glass
            )

    async def _decide(
        self, actor: Actor, reference: Reference, stage: str, action: GateAction, *, dry_run: bool, key: str | None,
        along: bool, break_glass: BreakGlass | None,
    ) -> Promoted:  # fmt: skip
        async with self.database.read() as tx:
            (await self.benches.sitting(tx)).known_stage(stage)
            version = await self.registry.find(tx, reference)
            asked = {"subject": version.digest, "name": version.label, "stage": stage, "action": action}
            if break_glass is not None:
                asked |= {"reason": break_glass.reason, "hours": str(break_glass.hours)}
            request = digest_of({**asked, "along": True} if along else asked)
            earlier = None if key is None else await self._earlier(tx, actor, version, key, request)
            if earlier is not None:
                return earlier
            started_at = await self._pointer(tx, version, stage)
        for _ in range(ATTEMPTS):
            question = Question(version, action, stage, actor.principal, actor.kind.value, epoch_ms(self.clock.now()))
            async with self.database.read() as tx:
                size, latest = await self.ledger.end(tx, RECENT)
                if along:
                    question = replace(question, along=await dependencies_of(tx, self.registry, version))
                bench = await self.benches.sitting(tx)
                grant = None
                if break_glass is not None:
                    limits = bench.policies.parameters.overrides
                    grant = await self.glass.grant(tx, actor, version, stage, break_glass, question.now, limits)
                gate_input = await self._assembled(tx, bench, question)
            backed = action is GateAction.ROLLBACK or grant is not None
            judgement = await judged(bench, gate_input, latest, standby=backed)
            decision = self.draft(question, gate_input, judgement)
            beyond = () if grant is None else grant.beyond(decision)
            decision = decision if grant is None else grant.over(decision)
            if dry_run:
                return Promoted(decision, applied=False, promotion_id=None, beyond=beyond)
            async with self.database.write() as tx:
                await self.ledger.lock(tx)
                if key is not None:
                    earlier = await self._earlier(tx, actor, version, key, request)
                    if earlier is not None:
                        return earlier
                if await self._pointer(tx, version, stage) != started_at:
                    raise Conflict(
                        f"{stage} moved while this was being decided; nothing was changed",
                        remedy=f"look at {version.label}@{stage} and ask again",
                    )
                kept = None
                if not await self.ledger.grew(tx, size):
                    kept = await self.record(tx, question, gate_input, decision, key, request, started_at)
                    await note(tx, self.ledger, kept.decision, beyond)
            if kept is not None:
                if self.observer is not None:
                    self.observer.observe(kept.decision, gate_input)
                return replace(kept, beyond=beyond)
        raise Conflict(
            "what this decision rests on kept changing while it was being made; nothing was changed",
            remedy="ask again when registrations and runs have come to rest",
        )

    async def _assembled(self, tx: Transaction, bench: Bench, question: Question) -> GateInput:
        try:
            return await self.assembler.under(bench.policies.parameters).assemble(tx, question)
        except Invalid as error:
            raise Unfit(error) from error

    async def _pointer(self, tx: Transaction, version: Version, stage: str) -> str | None:
        pointer = await self.registry.pointer(tx, version.project, version.kind, version.name, stage)
        return None if pointer is None else pointer.digest

    async def _earlier(
        self, tx: Transaction, actor: Actor, version: Version, key: str, request: str
    ) -> Promoted | None:
        promotion = await PromotionStore(tx).of_key_or_none(version.project, actor.principal, key)
        if promotion is None:
            return None
        if promotion.request_digest != request:
            raise Conflict(
                f"the idempotency key {key!r} was used for another request",
                remedy="use a fresh key for each request that differs",
            )
        decision = await self._decision(tx, promotion.project, promotion.decision_id)
        return Promoted(decision, promotion.applied, promotion.id, replayed=True)

    def draft(self, question: Question, gate_input: GateInput, judgement: Judgement) -> Decision:
        """The decision that a judgement makes, neither signed nor kept yet."""
        version = question.version
        return Decision(
            id=new_id(self.clock.now()),
            project=version.project,
            kind=version.kind.value,
            name=version.name,
            digest=version.digest,
            number=version.number,
            action=question.action,
            stage=question.stage,
            outcome=judgement.outcome,
            requester=question.requester,
            decided_at=question.now,
            input_digest=digest_of(gate_input.as_json()),
            evidence_hash=gate_input.evidence.hash,
            policy_digest=judgement.policy_digest,
            engine=judgement.engine,
            answer=judgement.answer,
            error=judgement.error,
            waivers=waivers_behind(gate_input, judgement.answer),
            dependencies=tuple(
                {"subject": other.label, "number": other.number, "digest": other.digest} for other in question.along
            ),
        )

    async def record(
        self,
        tx: Transaction,
        question: Question,
        gate_input: GateInput,
        draft: Decision,
        key: str | None,
        request: str,
        started_at: str | None,
    ) -> Promoted:
        """Write decision, attestation, ledger entries and, where it is an allow, the move: all or nothing."""
        approvers = [approval.principal for approval in gate_input.approvals if approval.independent]
        statement = statement_of(draft, approvers)
        envelope, signed = self.ledger.attest(statement)
        entry = await self.ledger.append(
            tx,
            kind=DECISION_MADE,
            project=draft.project,
            principal=draft.requester,
            subject=draft.digest,
            body={
                "decision": draft.id,
                "action": draft.action.value,
                "artifact": question.version.label,
                "stage": draft.stage,
                "outcome": draft.outcome.value,
                "input": draft.input_digest,
                "policy": draft.policy_digest,
                "answer": digest_of([draft.answer, draft.error]),
                ATTESTATION: signed,
            },
        )
        decision = replace(draft, envelope=envelope, ledger_seq=entry.seq)
        allowed = decision.outcome in {Outcome.ALLOW, Outcome.OVERRIDE}
        promotion = Promotion(
            id=new_id(self.clock.now()),
            project=decision.project,
            kind=decision.kind,
            name=decision.name,
            digest=decision.digest,
            action=decision.action,
            stage=decision.stage,
            requester=decision.requester,
            idempotency_key=key,
            request_digest=request,
            decision_id=decision.id,
            applied=allowed,
            from_digest=started_at,
            created_at=decision.decided_at,
        )
        await DecisionStore(tx).insert(decision, gate_input.as_json())
        await PromotionStore(tx).insert(promotion)
        if allowed:
            await self.registry.move_pointer(
                tx,
                version=question.version,
                stage=decision.stage,
                expected=started_at,
                decision_id=decision.id,
                principal=decision.requester,
            )
            await move_along(tx, self.registry, promotion, question.along)
        return Promoted(decision, applied=allowed, promotion_id=promotion.id)


_SET_BACK: Final = "the clock of this server is behind the ledger's last entries; set it right, then ask again"


async def judged(bench: Bench, gate_input: GateInput, latest: int, *, standby: bool = False) -> Judgement:
    """What the engine says of an input; no verdict on a promotion where this machine's clock is behind the log, whose
    last entries were made by `latest`: what has expired would count again. Of a roll-back nothing expires."""
    if gate_input.action != GateAction.ROLLBACK.value and gate_input.now + SKEW_MS < latest:
        return bench.judge.silent(_SET_BACK)
    judgement = await bench.judge.judge(gate_input)
    if judgement.outcome is not Outcome.ERROR or not standby or bench.standby is None:
        return judgement
    second = await bench.standby.judge(gate_input)
    _log.warning("the standby engine judged", reason=judgement.error, engine=second.engine)
    return second if second.policy_digest == judgement.policy_digest else judgement


def _alone(with_dependencies: bool) -> None:
    if with_dependencies:
        raise Invalid(
            "an override moves one pointer alone",
            fields=[FieldError("$.with_dependencies", "leave it out: what a version is made from is pinned in it")],
        )


def _known_key(key: str | None) -> None:
    if key is not None and not 1 <= len(key) <= MAX_KEY:
        raise Invalid(
            "the idempotency key is not valid",
            fields=[FieldError("$.headers.Idempotency-Key", f"use 1 to {MAX_KEY} characters")],
        )


def statement_of(decision: Decision, approvers: Sequence[str]) -> dict[str, Any]:
    """What is signed of a decision."""
    engine, _, version = decision.engine.partition(" ")
    return decision_statement(
        subject=f"{decision.project}/{decision.kind}/{decision.name}",
        digest=decision.digest,
        decision_id=decision.id,
        outcome=decision.outcome.value,
        action=decision.action.value,
        stage=decision.stage,
        policy=PolicyUsed(decision.policy_digest, engine, version or None),
        input_digest=decision.input_digest,
        rules=[RuleStatus(rule, found["status"], found["waived"]) for rule, found in sorted(decision.rules.items())],
        requester=decision.requester,
        approvers=approvers,
        time=decision.decided_at,
        dependencies=[(f"{decision.project}/{other['subject']}", other["digest"]) for other in decision.dependencies],
        waivers=signed(decision.waivers),
        override=None if decision.override is None else override_of(decision.override).signed(decision.id),
    )
