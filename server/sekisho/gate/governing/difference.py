"""What a policy would change of another: rules, severities, and every stage's parameters before and after. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sekisho.gate.catalog import CatalogEntry
from sekisho.gate.parameters import UNCONDITIONAL, Parameters
from sekisho.gate.policies import PolicySet
from sekisho.kernel.digests import digest_of_bytes

_TOLD: Final = ("title", "severity", "kinds", "actions", "file")
"""What of a rule's METADATA a change of is told."""
Json = dict[str, Any]


def difference(before: PolicySet, after: PolicySet) -> Json:
    """Everything in which they differ; parts in which they do not are empty.

    A rule that a stage does not name has the stage's mode. In ``stages`` each change is ``before`` and ``after``, and
    what is absent on one side is left out there.
    """
    return {
        "rules": _rules(before, after),
        "stages": _stages(before, after),
        "order": _pair(list(before.stages), list(after.stages)),
        "entry": _pair(list(before.parameters.entry), list(after.parameters.entry)),
        "waivers": _pair(_plain(before.parameters.waivers), _plain(after.parameters.waivers)),
        "suites": _changes(_plain(before.parameters.suites), _plain(after.parameters.suites)),
        "requirements": _changes(_requirements(before), _requirements(after)),
        "files": _changes(_files(before), _files(after)),
    }


def changed_places(found: Mapping[str, Any]) -> list[str]:
    """The difference as lines for people."""
    lines = [f"rule {rule} is added ({entry['severity']})" for rule, entry in found["rules"]["added"].items()]
    lines += [f"rule {rule} is removed" for rule in found["rules"]["removed"]]
    for rule, parts in found["rules"]["changed"].items():
        lines += [f"rule {rule}: {part}: {_told(change)}" for part, change in parts.items()]
    for stage, rules in found["stages"].items():
        for rule, parts in rules.items():
            lines += [f"{stage}: {rule}: {part}: {_told(change)}" for part, change in parts.items()]
    lines += [f"{part}: {_told(found[part])}" for part in ("order", "entry", "waivers") if found[part]]
    for part in ("suites", "requirements"):
        lines += [f"{part}: {name}: {_told(change)}" for name, change in found[part].items()]
    return lines + [f"file {path} {_how(change)}" for path, change in found["files"].items()]


def _rules(before: PolicySet, after: PolicySet) -> Json:
    old, new = ({entry.id: entry for entry in one.catalog} for one in (before, after))
    changed = {rule: _changes(_metadata(old[rule]), _metadata(new[rule])) for rule in sorted(old.keys() & new.keys())}
    return {
        "added": {rule: _metadata(new[rule]) for rule in sorted(new.keys() - old.keys())},
        "removed": sorted(old.keys() - new.keys()),
        "changed": {rule: parts for rule, parts in changed.items() if parts},
    }


def _metadata(entry: CatalogEntry) -> Json:
    return {name: value for name, value in _plain(entry).items() if name in _TOLD}


def _stages(before: PolicySet, after: PolicySet) -> Json:
    rules = sorted({entry.id for policies in (before, after) for entry in policies.catalog})
    found: Json = {}
    for stage in dict.fromkeys((*before.stages, *after.stages)):
        changes = {rule: _changes(_setting(before, stage, rule), _setting(after, stage, rule)) for rule in rules}
        if told := {rule: parts for rule, parts in changes.items() if parts}:
            found[stage] = told
    return found


def _setting(policies: PolicySet, stage: str, rule: str) -> Json:
    """How a rule stands at a stage; empty where the policy lacks the rule or the stage."""
    parameters: Parameters = policies.parameters
    if stage not in parameters.stages or rule not in policies.titles:
        return {}
    found = parameters.stages[stage].rules.get(rule)
    mode = (found.mode if found else None) or parameters.stages[stage].mode
    setting: Json = {"mode": "enforce" if rule in UNCONDITIONAL else mode.value}
    if found is not None and found.in_force_from is not None:
        setting["in_force_from"] = found.in_force_from
    given = _plain(found.parameters) if found is not None and found.parameters is not None else {}
    return {**setting, **{f"parameters.{name}": value for name, value in given.items() if value is not None}}


def _requirements(policies: PolicySet) -> Json:
    return {one.id: _plain(one) for one in policies.parameters.requirements}


def _files(policies: PolicySet) -> Json:
    return {path: digest_of_bytes(content) for path, content in policies.files.items()}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    pairs = {name: _pair(before.get(name), after.get(name)) for name in sorted({*before, *after})}
    return {name: pair for name, pair in pairs.items() if pair}


def _pair(before: Any, after: Any) -> Json:
    if before == after:
        return {}
    return {side: value for side, value in (("before", before), ("after", after)) if value is not None}


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _told(change: Mapping[str, Any]) -> str:
    return f"{change.get('before', 'nothing')} → {change.get('after', 'nothing')}"


def _how(change: Mapping[str, Any]) -> str:
    return "is changed" if len(change) == 2 else "is added" if "after" in change else "is removed"
