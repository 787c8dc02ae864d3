"""What the gate keeps: decisions, promotions, approvals, waivers. Times are epoch milliseconds; no I/O here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sekisho.gate.types import Outcome

APPROVAL_DAYS: Final = 30
"""How long an approval may stand before it lapses, unless its digest, stage or evidence changes first."""
WAIVER_DAYS: Final = 30
"""How long a waiver may stand at most, whatever policy data says."""


class GateAction(StrEnum):
    """What is asked of the gate."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of the gate, with everything it rested on.

    `rules` is the policy's finding per rule id (empty where the outcome is ``error``); `error` says why there is
    no verdict; `dependencies` are the versions that move along with its own, each as ``subject``, ``number`` and
    ``digest``; `waivers` are those that it rested on (see `gate.waived`); `override` is what was set aside, where the
    outcome is ``override`` (see `gate.overrides.types`);
    `envelope` is the DSSE envelope of its attestation, and None only in a dry run.
    """

    id: str
    project: str
    kind: str
    name: str
    digest: str
    number: int
    action: GateAction
    stage: str
    outcome: Outcome
    requester: str
    decided_at: int
    input_digest: str
    evidence_hash: str
    policy_digest: str
    engine: str
    answer: Mapping[str, Any] | None
    error: str | None
    dependencies: Sequence[Mapping[str, Any]] = ()
    waivers: Sequence[Mapping[str, Any]] = ()
    override: Mapping[str, Any] | None = None
    envelope: Mapping[str, Any] | None = None
    ledger_seq: int | None = None

    @property
    def rules(self) -> Mapping[str, Mapping[str, Any]]:
        return self.answer["rules"] if self.answer else {}

    @property
    def blocking(self) -> tuple[str, ...]:
        return tuple(self.answer["blocking"]) if self.answer else ()

    @property
    def exit_code(self) -> int:
        """The CLI's exit code: 0 allowed, 1 a rule failed, 3 only evidence lacks, 4 the engine gave no verdict."""
        if self.outcome in {Outcome.ALLOW, Outcome.OVERRIDE}:
            return 0
        if self.outcome is Outcome.ERROR:
            return 4
        failed = [rule for rule in self.blocking if self.rules.get(rule, {}).get("status") == "failed"]
        return 1 if failed or not self.blocking else 3


@dataclass(frozen=True, slots=True)
class Promotion:
    """One request to move a stage's pointer, and whether it was moved. `from_digest` is what stood there before."""

    id: str
    project: str
    kind: str
    name: str
    digest: str
    action: GateAction
    stage: str
    requester: str
    idempotency_key: str | None
    request_digest: str
    decision_id: str
    applied: bool
    from_digest: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's yes to a digest, a target stage and an evidence hash. `token_id` is the token he used."""

    id: str
    project: str
    principal: str
    kind: str
    name: str
    digest: str
    stage: str
    evidence_hash: str
    token_id: str
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Waiver:
    """A person's exception for one rule, one digest and one stage, with his reason; it ends by itself."""

    id: str
    project: str
    principal: str
    kind: str
    name: str
    digest: str
    number: int
    stage: str
    rule: str
    reason: str
    token_id: str
    created_at: int
    expires_at: int
    withdrawn_at: int | None = None
    withdrawn_by: str | None = None

    def state(self, now: int) -> str:
        """``standing``, ``expired`` or ``withdrawn``; `now` is epoch milliseconds."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "standing" if now < self.expires_at else "expired"
