"""A decision as SARIF 2.1.0 (OASIS), for code scanning: one result per rule. Pure.

A result that blocks is an error, one that only warns a warning, a waived or overridden one is suppressed. The standard
lets a result of another kind than ``fail`` have no level, so what blocks for want of evidence is a ``fail`` too; its
status stands in the properties.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from sekisho import __version__
from sekisho.evaluation.reports import neutral
from sekisho.gate.explaining.shape import Standing, Told, banner, headline, standing, waived_note
from sekisho.kernel.digests import digest_of

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
DECLARATION: Final = "sekisho.yaml"
"""Code scanning takes no result without a file; this is the one in which a version is declared."""
_KINDS: Final = {
    Standing.BLOCKS: ("fail", "error"),
    Standing.WARNS: ("fail", "warning"),
    Standing.OVERRIDDEN: ("fail", "error"),
    Standing.WAIVED: ("fail", "warning"),
    Standing.PASSED: ("pass", "none"),
    Standing.IDLE: ("notApplicable", "none"),
}
# Sections 3.11.5 and 3.11.6: braces are placeholders, brackets links.
_ACTIVE: Final = re.compile(r"[\\\[\]{}]")


def sarif_of(decision: Told) -> dict[str, Any]:
    """The log as an object. Raises nothing: what a decision lacks is left out."""
    driver = {
        "name": "sekisho",
        "version": __version__,
        "rules": [_described(rule) for rule in decision["rules"]],
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "automationDetails": {"id": neutral.visible(f"sekisho/{decision['stage']}/{decision['subject']}/")},
        "invocations": [_invocation(decision)],
        "columnKind": "unicodeCodePoints",
        "results": list(_results(decision)),
        "properties": {
            name: decision[name]
            for name in ("id", "outcome", "digest", "policy_digest", "evidence_hash", "engine")
            if name in decision
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _described(rule: Told) -> dict[str, Any]:
    text = _plain(rule["title"] or rule["id"])
    return {"id": rule["id"], "shortDescription": {"text": text}}


def _invocation(decision: Told) -> dict[str, Any]:
    if said := banner(decision):
        told = {"level": "warning", "message": {"text": _plain(said)}}
        return {"executionSuccessful": True, "toolExecutionNotifications": [told]}
    if decision["outcome"] != "error":
        return {"executionSuccessful": True}
    text = f"{headline(decision)}: {decision.get('error') or 'the policy engine gave no verdict'}"
    told = {"level": "error", "message": {"text": _plain(text)}}
    return {"executionSuccessful": False, "toolExecutionNotifications": [told]}


def _results(decision: Told) -> Iterator[dict[str, Any]]:
    for index, rule in enumerate(decision["rules"]):
        stands = standing(rule)
        kind, level = _KINDS[stands]
        result: dict[str, Any] = {
            "ruleId": rule["id"],
            "ruleIndex": index,
            "kind": kind,
            "level": level,
            "message": {"text": _plain(_message(rule))},
            "locations": [_location(decision)],
            "partialFingerprints": {"sekishoRule/v1": _fingerprint(decision, rule)},
            "properties": {"status": rule["status"], "mode": rule["mode"], "waived": rule["waived"]},
        }
        if stands is Standing.WAIVED:
            said = _plain(waived_note(rule)) if rule.get("waived_by") else "waived in Sekisho"
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": said}]
        if stands is Standing.OVERRIDDEN:
            said = _plain(banner(decision))
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": said}]
        yield result


def _location(decision: Told) -> dict[str, Any]:
    name = neutral.visible(f"{decision['subject']}@{decision['digest']}")
    return {
        "physicalLocation": {"artifactLocation": {"uri": DECLARATION}, "region": {"startLine": 1}},
        "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}],
    }


def _fingerprint(decision: Told, rule: Told) -> str:
    """The same finding of a later version is the same alert."""
    return digest_of([decision["subject"], decision["stage"], rule["id"]]).removeprefix("sha256:")


def _message(rule: Told) -> str:
    parts = [rule["message"] or rule["status"]]
    parts += [f"{name}: {rule[name]}" for name in ("observed", "required", "remedy") if rule[name]]
    return "\n".join(parts)


def _plain(text: str) -> str:
    return _ACTIVE.sub(lambda found: found[0] * 2 if found[0] in "{}" else f"\\{found[0]}", neutral.visible(text))
