"""Decisions, promotions and approvals, held to the log and to what was signed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sekisho.gate.overrides.types import override_of
from sekisho.gate.records import Approval, Decision, Waiver
from sekisho.gate.store import ApprovalStore, DecisionStore, PromotionStore, WaiverStore
from sekisho.gate.types import Outcome
from sekisho.kernel.clock import from_epoch_ms, iso
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.errors import IntegrityFailed
from sekisho.kernel.json import decode_json
from sekisho.ledger.signing import STATEMENT_TYPE, PublicKey, signer_of
from sekisho.ledger.types import ATTESTATION, DECISION_MADE, Entry
from sekisho.ledger.witness import Facts, Moment, Standing

_MOVES = (Outcome.ALLOW.value, Outcome.OVERRIDE.value)


@dataclass(frozen=True, slots=True)
class Decisions:
    """The input is taken the digest of anew, and the columns are compared with the statement that a key signed."""

    keys: Mapping[str, PublicKey]
    what: str = "decision"
    kinds: frozenset[str] = frozenset({DECISION_MADE})

    def told(self, entry: Entry, standing: Standing) -> None:
        body = entry.body
        facts: dict[str, Any] = {name: body[name] for name in ("action", "artifact", "stage", "outcome", "policy")}
        facts |= {"project": entry.project, "digest": entry.subject, "requester": entry.principal}
        facts |= {"input": body["input"], "input_digest": body["input"], ATTESTATION: body[ATTESTATION]}
        facts |= {"ledger_seq": entry.seq, "decided_at": Moment(entry.time), "as_signed": True, "as_judged": True}
        # Entries of the first days do not say what the policy's words were.
        standing[body["decision"]] = facts if "answer" not in body else {**facts, "answer": body["answer"]}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for decision, document in DecisionStore(tx).each():
            payload = self._signed(decision)
            yield (
                decision.id,
                {
                    "action": decision.action.value,
                    "artifact": f"{decision.kind}/{decision.name}",
                    "stage": decision.stage,
                    "outcome": decision.outcome.value,
                    "policy": decision.policy_digest,
                    "project": decision.project,
                    "digest": decision.digest,
                    "requester": decision.requester,
                    "input": digest_of(document),
                    "input_digest": decision.input_digest,
                    ATTESTATION: None if payload is None else digest_of_bytes(payload),
                    "ledger_seq": decision.ledger_seq,
                    "decided_at": decision.decided_at,
                    "as_signed": payload is not None and _statement_of(decision) == _said(payload),
                    "as_judged": _about(decision) == _asked(document),
                    "answer": digest_of([decision.answer, decision.error]),
                },
            )

    def _signed(self, decision: Decision) -> bytes | None:
        """The statement's bytes, where a key of this server signed them."""
        try:
            return signer_of(decision.envelope, self.keys).verify(decision.envelope, STATEMENT_TYPE)
        except IntegrityFailed:
            return None


def _statement_of(decision: Decision) -> dict[str, Any]:
    """What the decision's statement must say, but for who approved."""
    return {
        "decision_id": decision.id,
        "outcome": decision.outcome.value,
        "action": decision.action.value,
        "stage": decision.stage,
        "policy": decision.policy_digest,
        "engine": decision.engine,
        "input_digest": decision.input_digest,
        "requester": decision.requester,
        "time": iso(from_epoch_ms(decision.decided_at)),
        "rules": sorted((rule, found["status"], found["waived"]) for rule, found in decision.rules.items()),
        "override": None if decision.override is None else _overrode(decision),
        "waivers": [dict(waiver) for waiver in decision.waivers] or None,
    }


def _said(payload: bytes) -> dict[str, Any]:
    predicate = decode_json(payload)["predicate"]
    policy = predicate["policy"]
    copied = ("decision_id", "outcome", "action", "stage", "input_digest", "requester", "time")
    return {
        **{name: predicate[name] for name in copied},
        "policy": policy["digest"],
        "engine": f"{policy['engine']} {policy.get('engine_version', '')}".strip(),
        "rules": sorted((rule["id"], rule["status"], rule["waived"]) for rule in predicate["rules"]),
        "override": predicate.get("override"),
        "waivers": predicate.get("waivers"),
    }


def _overrode(decision: Decision) -> Any:
    return msgspec.to_builtins(override_of(decision.override or {}).signed(decision.id))


def _about(decision: Decision) -> tuple[Any, ...]:
    return decision.kind, decision.name, decision.digest, decision.number, decision.evidence_hash


def _asked(document: Mapping[str, Any]) -> tuple[Any, ...]:
    subject = document["subject"]
    return subject["kind"], subject["name"], subject["digest"], subject["number"], document["evidence"]["hash"]


class Promotions:
    """Each stands for one decision, and was applied exactly where that allowed. What a decision moved along with its
    own subject has one too, which the move's entry tells of."""

    what = "promotion by decision"
    kinds = frozenset({DECISION_MADE, "stage.moved"})

    def told(self, entry: Entry, standing: Standing) -> None:
        body = entry.body
        key = f"{body['decision']} {body['artifact']}"
        if entry.kind != DECISION_MADE:
            self._moved(key, entry, standing)
            return
        standing[key] = {
            "project": entry.project,
            "artifact": body["artifact"],
            "digest": entry.subject,
            "stage": body["stage"],
            "action": body["action"],
            "requester": entry.principal,
            "applied": body["outcome"] in _MOVES,
            "created_at": Moment(entry.time),
        }

    def _moved(self, key: str, entry: Entry, standing: Standing) -> None:
        """Not of a move back to what an earlier decision had moved there: that one has its promotion already."""
        standing.setdefault(
            key,
            {
                "project": entry.project,
                "artifact": entry.body["artifact"],
                "digest": entry.subject,
                "stage": entry.body["stage"],
                "requester": entry.principal,
                "applied": True,
                "created_at": Moment(entry.time),
            },
        )

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for promotion in PromotionStore(tx).each():
            artifact = f"{promotion.kind}/{promotion.name}"
            yield (
                f"{promotion.decision_id} {artifact}",
                {
                    "project": promotion.project,
                    "artifact": artifact,
                    "digest": promotion.digest,
                    "stage": promotion.stage,
                    "action": promotion.action.value,
                    "requester": promotion.requester,
                    "applied": promotion.applied,
                    "created_at": promotion.created_at,
                },
            )


class GivenApprovals:
    what = "approval"
    kinds = frozenset({"approval.given"})

    def told(self, entry: Entry, standing: Standing) -> None:
        standing[entry.body["approval"]] = {
            "project": entry.project,
            "principal": entry.principal,
            "digest": entry.subject,
            "stage": entry.body["stage"],
            "evidence": entry.body["evidence"],
            "created_at": Moment(entry.time),
            **_if_said(entry, "artifact", "token", "expires_at"),
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for approval in ApprovalStore(tx).each():
            yield approval.id, approval_facts(approval)


class GivenWaivers:
    """Each exception with its giver, its end and the words of its reason, and that it was withdrawn."""

    what = "waiver"
    kinds = frozenset({"waiver.granted", "waiver.withdrawn"})

    def told(self, entry: Entry, standing: Standing) -> None:
        key, body = entry.body["waiver"], entry.body
        if entry.kind == "waiver.withdrawn":
            standing[key] = {**standing[key], "withdrawn_by": entry.principal, "withdrawn_at": Moment(entry.time)}
            return
        standing[key] = {
            "project": entry.project,
            "principal": entry.principal,
            "digest": entry.subject,
            "stage": body["stage"],
            "rule": body["rule"],
            "expires_at": body["expires_at"],
            "created_at": Moment(entry.time),
            "withdrawn_by": None,
            "withdrawn_at": None,
            **_if_said(entry, "reason", "artifact", "number", "token"),
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for waiver in WaiverStore(tx).each():
            yield waiver.id, waiver_facts(waiver)


def approval_facts(approval: Approval) -> Facts:
    """What an approval's row says, in the words of its entry."""
    names = ("project", "principal", "digest", "stage", "created_at", "expires_at")
    facts = {name: getattr(approval, name) for name in names}
    facts |= {"evidence": approval.evidence_hash, "token": approval.token_id}
    return {**facts, "artifact": f"{approval.kind}/{approval.name}"}


def waiver_facts(waiver: Waiver) -> Facts:
    """What a waiver's row says, in the words of its entries."""
    names = ("project", "principal", "digest", "stage", "rule", "expires_at", "created_at", "number")
    facts = {name: getattr(waiver, name) for name in (*names, "withdrawn_by", "withdrawn_at")}
    facts |= {"reason": digest_of([waiver.id, waiver.reason]), "token": waiver.token_id}
    return {**facts, "artifact": f"{waiver.kind}/{waiver.name}"}


def _if_said(entry: Entry, *names: str) -> dict[str, Any]:
    """Entries of the first days do not say all that later ones do."""
    return {name: entry.body[name] for name in names if name in entry.body}
