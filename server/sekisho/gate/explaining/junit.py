"""A decision as JUnit XML: one test per rule. Pure.

A rule that blocks is a failure where it failed and an error where its evidence is missing or says too little. An
overridden rule, a waived one, one that does not apply and one that is off are skipped, with the reason; one that only
warns passes and says so.
A decision without a verdict is one test that is an error: no reader of the file takes it for a success.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sekisho.evaluation.reports import neutral
from sekisho.gate.explaining.shape import Standing, Told, banner, headline, reasons, standing, waived_note
from sekisho.kernel.clock import from_epoch_ms, iso

_FACTS: Final = ("id", "project", "digest", "outcome", "requester", "policy_digest", "engine", "evidence_hash")
_MESSAGE: Final = 500


def junit_of(decision: Told) -> str:
    name = f"sekisho: {decision['subject']}@v{decision['number']} to {decision['stage']}"
    root = Element("testsuites", {"name": neutral.xml(name)})
    suite = SubElement(root, "testsuite", {"name": neutral.xml(name)})
    if "decided_at" in decision:
        suite.set("timestamp", iso(from_epoch_ms(decision["decided_at"])))
    properties = SubElement(suite, "properties")
    for fact in (fact for fact in _FACTS if fact in decision):
        SubElement(properties, "property", {"name": f"decision.{fact}", "value": neutral.xml(str(decision[fact]))})
    if decision["outcome"] == "error":
        error = decision.get("error") or "the policy engine gave no verdict"
        _say(_test(suite, decision, "the gate gave a verdict"), "error", "no verdict", error, headline(decision))
    if said := banner(decision):
        SubElement(properties, "property", {"name": "decision.override", "value": neutral.xml(said)})
    for rule in decision["rules"]:
        _rule(suite, decision, rule)
    for element in (suite, root):
        _count(element)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _rule(suite: Element, decision: Told, rule: Told) -> None:
    test = _test(suite, decision, f"{rule['id']} {rule['title']}".strip())
    facts = _facts(rule)
    match standing(rule):
        case Standing.BLOCKS:
            tag = "failure" if rule["status"] == "failed" else "error"
            _say(test, tag, rule["status"], rule["message"], facts)
        case Standing.OVERRIDDEN:
            _say(test, "skipped", "", f"overridden, it was {rule['status']}: {rule['message']}", "")
        case Standing.WAIVED:
            _say(test, "skipped", "", f"{waived_note(rule)}: {rule['message']}", "")
        case Standing.IDLE:
            _say(test, "skipped", "", rule["message"] if rule["mode"] != "off" else "off at this stage", "")
        case Standing.WARNS:
            SubElement(test, "system-out").text = neutral.xml(f"warns only: {rule['message']}\n{facts}")
        case Standing.PASSED:
            SubElement(test, "system-out").text = neutral.xml(facts)


def _test(suite: Element, decision: Told, name: str) -> Element:
    classname = f"sekisho.gate.{decision['stage']}.{decision['subject'].replace('/', '.')}"
    return SubElement(suite, "testcase", {"classname": neutral.xml(classname), "name": neutral.xml(name), "time": "0"})


def _say(test: Element, tag: str, kind: str, message: str, text: str) -> None:
    element = SubElement(test, tag, {"message": neutral.xml(neutral.clipped(message, _MESSAGE))})
    if kind:
        element.set("type", kind)  # the schema that most parsers share gives a skip none
    if text:
        element.text = neutral.xml(text)


def _facts(rule: Told) -> str:
    lines = [f"{name}: {rule[name]}" for name in ("message", "observed", "required", "remedy") if rule[name]]
    return "\n".join([*lines, *(f"- {reason}" for reason in reasons(rule))])


def _count(element: Element) -> None:
    tests = list(element.iter("testcase"))
    element.set("tests", str(len(tests)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(test.find(tag) is not None for test in tests)))
