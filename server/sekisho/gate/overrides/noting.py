"""What is written and said of a broken glass, besides the decision itself."""

from __future__ import annotations

from typing import Any

from sekisho.gate.overrides.alarms import BEGUN, REFUSED, Alarm
from sekisho.gate.overrides.types import override_of
from sekisho.gate.records import Decision
from sekisho.kernel.database import Transaction
from sekisho.ledger.service import Ledger


def told_of(decision: Decision) -> dict[str, Any]:
    """Which decision it is, for an alarm."""
    return {
        "decision": decision.id,
        "project": decision.project,
        "artifact": f"{decision.kind}/{decision.name}",
        "number": decision.number,
        "digest": decision.digest,
        "stage": decision.stage,
    }


async def note(tx: Transaction, ledger: Ledger, decision: Decision, beyond: tuple[str, ...]) -> None:
    """An entry of its own, for whoever looks only for those; `beyond` are the rules for which it was refused."""
    if not beyond and decision.override is None:
        return
    body: dict[str, Any] = {"decision": decision.id, "artifact": f"{decision.kind}/{decision.name}"}
    body |= {"stage": decision.stage, "rules": list(beyond or decision.blocking)}
    if decision.override is not None:
        override = override_of(decision.override)
        body |= {"until": override.until, "reason": override.signed(decision.id).reason}
    await ledger.append(
        tx,
        kind=REFUSED if beyond else BEGUN,
        project=decision.project,
        principal=decision.requester,
        subject=decision.digest,
        body=body,
    )


async def sound(alarm: Alarm, decision: Decision, beyond: tuple[str, ...]) -> None:
    """The same, aloud, once it is kept."""
    facts = {**told_of(decision), "by": decision.requester, "rules": list(decision.blocking)}
    if beyond:
        await alarm.sound(REFUSED, {**facts, "beyond": list(beyond)})
    elif decision.override is not None:
        until, reason = decision.override["until"], decision.override["reason"]
        await alarm.sound(BEGUN, {**facts, "until": until, "reason": reason})
