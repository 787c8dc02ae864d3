"""Who may break the glass, over which rules, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sekisho.gate.assembly import Assembler
from sekisho.gate.givers import Hand
from sekisho.gate.overrides.standing import as_allowed
from sekisho.gate.overrides.store import OverrideStore
from sekisho.gate.overrides.types import HOUR_MS, LONGEST_HOURS, BreakGlass, Former, Override, covered_ms
from sekisho.gate.parameters import Overrides
from sekisho.gate.records import Decision
from sekisho.gate.types import Outcome
from sekisho.identity.types import Action, Actor, PrincipalKind
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import Conflict, FieldError, Forbidden, Invalid
from sekisho.registry.revoking import checked_reason
from sekisho.registry.service import Registry
from sekisho.registry.types import Pointer, Version

_SHARED: Final = "ask someone who holds the role, had no hand in the change and was not created by anyone who had"


@dataclass(frozen=True, slots=True)
class Grant:
    """That this denial may be set aside, as far as its rules are among `overridable`."""

    reason: str
    until: int
    overridable: frozenset[str]
    returns_to: Former | None

    def over(self, decision: Decision) -> Decision:
        """The decision with its denial set aside; as it is where there is none, or one that goes too far."""
        if decision.outcome is not Outcome.DENY or self.beyond(decision):
            return decision
        override = Override(self.until, self.reason, tuple(decision.blocking), self.returns_to)
        return replace(decision, outcome=Outcome.OVERRIDE, override=override.as_json())

    def beyond(self, decision: Decision) -> tuple[str, ...]:
        """Rules of a denial that nobody can set aside."""
        return tuple(rule for rule in decision.blocking if rule not in self.overridable)


@dataclass(frozen=True, slots=True)
class Glass:
    """Says whether a person may set a denial aside. Policy names the rules that can be, and the longest time."""

    registry: Registry
    assembler: Assembler

    def check(self, actor: Actor, project: str, asked: BreakGlass) -> BreakGlass:
        """What is asked for, fit to be kept.

        Raises `Forbidden` for a service and for whoever does not hold the role, `Invalid` without a reason or for a
        time that is too long.
        """
        actor.require(project, Action.OVERRIDE)
        if actor.kind is not PrincipalKind.PERSON:
            raise Forbidden(f"{actor.principal} is a service; only a person breaks the glass")
        _refuse_hours(asked.hours, LONGEST_HOURS)
        return BreakGlass(checked_reason(asked.reason), asked.hours)

    async def grant(
        self,
        tx: Transaction,
        actor: Actor,
        version: Version,
        stage: str,
        asked: BreakGlass,
        now: int,
        limits: Overrides,
    ) -> Grant:
        """`limits` are those of the policy in force.

        Raises `Forbidden` for whoever had a hand in the change, `Invalid` for a time that is longer than policy grants,
        `Conflict` where it is used up.

        The person who breaks the glass is the second person to the change, as an approver is.
        """
        longest = min(LONGEST_HOURS, limits.longest_ms // HOUR_MS)
        _refuse_hours(asked.hours, longest)
        hand = Hand(actor.principal, actor.token_id)
        if reasons := await self.assembler.objections(tx, version, hand):
            raise Forbidden(f"{actor.principal} may not break the glass for this: {'; '.join(reasons)}", remedy=_SHARED)
        until = now + asked.hours * HOUR_MS
        spans = await OverrideStore(tx).spans(version.project, version.digest, stage)
        _refuse_too_long(version, stage, longest, spans, (now, until))
        pointers = await self.registry.pointers(tx, version.project, version.kind, version.name)
        back = await _former(tx, [pointer for pointer in pointers if pointer.stage == stage])
        if back is not None and back.digest == version.digest:
            raise Conflict(
                f"{stage} serves {version} by an allowing decision already", remedy="there is nothing to override"
            )
        return Grant(asked.reason, until, frozenset(limits.overridable), back)


def _refuse_hours(hours: int, longest: int) -> None:
    if not 1 <= hours <= longest:
        mend = f"use 1 to {longest}" if longest else "policy lets nothing be overridden"
        raise Invalid("an override cannot last that long", fields=[FieldError("$.break_glass.hours", mend)])


def _refuse_too_long(
    version: Version, stage: str, longest: int, spans: Sequence[tuple[int, int]], wanted: tuple[int, int]
) -> None:
    if covered_ms([*spans, wanted]) <= longest * HOUR_MS:
        return
    used = covered_ms(spans) / HOUR_MS
    raise Conflict(
        f"{version} has been granted {used:g} of {longest} hours at {stage} by override, and one version gets no more "
        "in all",
        remedy="mend what policy asks for and promote it, or roll the stage back",
    )


async def _former(tx: Transaction, pointers: Sequence[Pointer]) -> Former | None:
    """What the stage served last by an allowing decision."""
    for pointer in await as_allowed(tx, pointers):
        return Former(pointer.digest, pointer.number, pointer.decision_id)
    return None
