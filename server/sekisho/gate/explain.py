"""A decision in words and as JSON. Pure; the command line and the API share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sekisho.gate.records import Decision
from sekisho.kernel.digests import short

_ORDER: Final = ("failed", "missing", "inconclusive", "passed", "not_applicable")
_HEADLINE: Final = {
    "allow": "ALLOWED",
    "deny": "DENIED",
    "error": "ERROR, nothing moves",
    "override": "OVERRIDDEN",
}


def decision_json(decision: Decision, titles: Mapping[str, str]) -> dict[str, Any]:
    """The decision for the API: facts first, then one entry per rule, the blocking ones in front."""
    rules = [
        {"id": rule, "title": titles.get(rule, ""), "blocking": rule in decision.blocking, **found}
        for rule, found in decision.rules.items()
    ]
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
    if decision.ledger_seq is not None:
        body["ledger_seq"] = decision.ledger_seq
    return body


def explain_text(decision: Mapping[str, Any], *, every_rule: bool = False) -> str:
    """The decision for a person: what blocks it, what was seen, what is wanted, how to mend it.

    What is waived and what only warns follow; passed rules are only counted, or listed with their details where
    `every_rule` asks for them.
    """
    verb = "to roll back to" if decision["action"] == "rollback" else "to"
    head = (
        f"{_HEADLINE[decision['outcome']]}: {decision['subject']}@v{decision['number']} "
        f"({short(decision['digest'])}) {verb} {decision['stage']}"
    )
    lines = [head, f"decision {decision['id']} · policy {short(decision['policy_digest'])} · {decision['engine']}"]
    if along := decision.get("dependencies"):
        lines.append("together with " + ", ".join(f"{other['subject']}@v{other['number']}" for other in along))
    if decision.get("error"):
        lines += ["", f"  no verdict: {decision['error']}"]
    blocking = [rule for rule in decision["rules"] if rule["blocking"]]
    quiet = [rule for rule in decision["rules"] if not rule["blocking"] and _unhappy(rule) and rule["mode"] != "off"]
    waived = [rule for rule in quiet if rule["waived"]]
    warned = [rule for rule in quiet if not rule["waived"]]
    for rule in blocking:
        lines += ["", *_rule_lines(rule, mark="✗")]
    for rule in waived:
        lines += ["", *_rule_lines(rule, mark="~")]
    for rule in warned:
        lines += ["", *_rule_lines(rule, mark="!")]
    passed = [rule for rule in decision["rules"] if rule["status"] == "passed"]
    excepted = f", {len(waived)} waived" if waived else ""
    lines += ["", f"{len(passed)} rules passed, {len(blocking)} block, {len(warned)} warn{excepted}"]
    for rule in passed if every_rule else ():
        lines += [f"  ✓ {rule['id']} {rule['title']}: {rule['observed']}", *_details(rule)]
    return "\n".join(lines)


def _unhappy(rule: Mapping[str, Any]) -> bool:
    return rule["status"] in {"failed", "missing", "inconclusive"}


def _rule_lines(rule: Mapping[str, Any], *, mark: str) -> list[str]:
    note = {"✗": "", "~": ", waived", "!": ", warns only"}[mark]
    lines = [f"  {mark} {rule['id']} {rule['title']}: {rule['status']}{note}", f"      {rule['message']}"]
    parts = ("observed", "required", "remedy")
    indent = "\n" + " " * 16
    lines += [f"      {name + ':':<10}{rule[name].replace(chr(10), indent)}" for name in parts if rule[name]]
    return lines + _details(rule)


def _details(rule: Mapping[str, Any]) -> list[str]:
    """What the rule looked at one by one; of EVA-01 also the runs that came to nothing."""
    return [f"      · {detail}" for detail in rule["details"] if detail != rule["message"]]
