"""The decision as JSON, which every format is made from, and what each rule of it means for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from sekisho.gate.records import Decision
from sekisho.kernel.clock import from_epoch_ms, iso
from sekisho.kernel.digests import short

Told = Mapping[str, Any]
"""A decision as `decision_json` gives it, or one entry of its rules."""

_ORDER: Final = ("failed", "missing", "inconclusive", "passed", "not_applicable")
_UNHAPPY: Final = frozenset({"failed", "missing", "inconclusive"})
_HEADLINE: Final = {
    "allow": "ALLOWED",
    "deny": "DENIED",
    "error": "ERROR, nothing moves",
    "override": "OVERRIDDEN",
}


class Standing(StrEnum):
    """What a rule's finding does to the decision."""

    BLOCKS = "blocks"
    OVERRIDDEN = "overridden"
    """It blocked, and somebody broke the glass."""
    WARNS = "warns"
    WAIVED = "waived"
    PASSED = "passed"
    IDLE = "idle"
    """It does not apply, or is off at this stage."""


def standing(rule: Told) -> Standing:
    """A blocking rule blocks unless it was overridden, whatever else is said; a waiver is seen before a warning."""
    if rule.get("overridden"):
        return Standing.OVERRIDDEN
    if rule["blocking"]:
        return Standing.BLOCKS
    if rule["waived"]:
        return Standing.WAIVED
    if rule["mode"] == "off":
        return Standing.IDLE
    if rule["status"] in _UNHAPPY:
        return Standing.WARNS
    return Standing.PASSED if rule["status"] == "passed" else Standing.IDLE


def headline(decision: Told) -> str:
    """One line: the outcome, which version, and where it wanted to go."""
    verb = "to roll back to" if decision["action"] == "rollback" else "to"
    return (
        f"{_HEADLINE[decision['outcome']]}: {decision['subject']}@v{decision['number']} "
        f"({short(decision['digest'])}) {verb} {decision['stage']}"
    )


def banner(decision: Told) -> str:
    """Of an override who broke the glass, until when and why, and what comes after; else nothing."""
    found = decision.get("override")
    if not found:
        return ""
    back = found.get("returns_to")
    after = f"v{back['number']}" if back else "nothing, as before"
    return (
        f"BREAK-GLASS by {decision['requester']} until {iso(from_epoch_ms(found['until']))}: {found['reason']} "
        f"(policy judges again then; without an allow {decision['stage']} returns to {after})"
    )


def waived_note(rule: Told) -> str:
    """``waived``, and by whom until when, where that is known."""
    return " ".join(["waived", *(["by", "; ".join(rule["waived_by"])] if rule.get("waived_by") else [])])


def _at(waiver: Told) -> str:
    return iso(from_epoch_ms(waiver["expires_at"]))


def reasons(rule: Told) -> list[str]:
    """What the rule looked at one by one, without what its message says already."""
    return [detail for detail in rule["details"] if detail != rule["message"]]


def tally(decision: Told) -> str:
    """How many rules passed, block, warn and are waived."""
    count = dict.fromkeys(Standing, 0)
    for rule in decision["rules"]:
        count[standing(rule)] += 1
    text = f"{count[Standing.PASSED]} rules passed, {count[Standing.BLOCKS]} block, {count[Standing.WARNS]} warn"
    text += f", {count[Standing.OVERRIDDEN]} overridden" if count[Standing.OVERRIDDEN] else ""
    return text + (f", {count[Standing.WAIVED]} waived" if count[Standing.WAIVED] else "")


def decision_json(decision: Decision, titles: Mapping[str, str]) -> dict[str, Any]:
    """The decision for the API: facts first, then one entry per rule, the blocking ones in front."""
    rules = [
        {"id": rule, "title": titles.get(rule, ""), "blocking": rule in decision.blocking, **found}
        for rule, found in decision.rules.items()
    ]
    for rule in rules:
        if given := [f"{one['principal']} until {_at(one)}" for one in decision.waivers if one["rule"] == rule["id"]]:
            rule["waived_by"] = given
    if decision.override is not None:
        for rule in rules:
            rule["overridden"] = rule["id"] in decision.override["rules"]
    rules.sort(key=lambda rule: (not rule["blocking"], _ORDER.index(str(rule["status"])), str(rule["id"])))
    body: dict[str, Any] = {
        "id": decision.id,
        "project": decision.project,
        "subject": f"{decision.kind}/{decision.name}",
        "digest": decision.digest,
        "number": decision.number,
        "action": decision.action.value,
        "stage": decision.stage,
        "outcome": decision.outcome.value,
        "exit_code": decision.exit_code,
        "requester": decision.requester,
        "decided_at": decision.decided_at,
        "input_digest": decision.input_digest,
        "evidence_hash": decision.evidence_hash,
        "policy_digest": decision.policy_digest,
        "engine": decision.engine,
        "blocking": list(decision.blocking),
        "rules": rules,
    }
    if decision.error is not None:
        body["error"] = decision.error
    if decision.dependencies:
        body["dependencies"] = [dict(other) for other in decision.dependencies]
    if decision.waivers:
        body["waivers"] = [dict(waiver) for waiver in decision.waivers]
    if decision.override is not None:
        body["override"] = dict(decision.override)
    if decision.ledger_seq is not None:
        body["ledger_seq"] = decision.ledger_seq
    return body
