"""Makes decisions with their attestation for tests."""

from __future__ import annotations

import json
from typing import Any

from sekisho.ledger.service import Ledger
from sekisho.ledger.statements import Outcome, PolicyUsed, RuleStatus, decision_statement
from sekisho.ledger.types import ATTESTATION, DECISION_MADE

DIGEST = "sha256:" + "ab" * 32
SUBJECT = "default/agent/docs-assistant"


def statement(outcome: Outcome = "allow", **changes: Any) -> dict[str, Any]:
    """The statement of a decision about DIGEST for production."""
    values: dict[str, Any] = {
        "subject": SUBJECT, "digest": DIGEST, "decision_id": "d1", "outcome": outcome, "action": "promote",
        "stage": "production", "policy": PolicyUsed("sha256:" + "cd" * 32, "regorus", "0.9.1"),
        "input_digest": "sha256:" + "ef" * 32,
        "rules": [RuleStatus("LIN-001", "passed"), RuleStatus("EVA-002", "failed", waived=True)],
        "requester": "ci", "approvers": ["bob"], "time": 1_795_000_000_000,
    }  # fmt: skip
    return decision_statement(**{**values, **changes})


async def decide(
    ledger: Ledger, made: dict[str, Any], *, kind: str = DECISION_MADE, subject: str = DIGEST, named: str | None = None,
    project: str = "default",
) -> dict[str, Any]:  # fmt: skip
    """Sign the statement, record it, and give its attestation file's content."""
    envelope, digest = ledger.attest(made)
    async with ledger.database.write() as tx:
        entry = await ledger.append(
            tx, kind=kind, project=project, principal="ci", subject=subject, body={ATTESTATION: named or digest}
        )
    attestation = await ledger.attestation(envelope, entry.seq)
    return json.loads(json.dumps(attestation))  # type: ignore[no-any-return]


def as_file(attestation: Any) -> bytes:
    return json.dumps(attestation).encode()
