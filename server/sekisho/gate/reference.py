"""The rules of a policy as a page for people, in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sekisho.gate.catalog import CatalogEntry
from sekisho.gate.parameters import UNCONDITIONAL, Parameters
from sekisho.gate.policies import PolicySet

_HEAD: Final = """\
# Rules

Made from the METADATA of the rules and from the policy data by `sekisho policy catalog --markdown`; do not edit it.
"""


def rules_page(policies: PolicySet) -> str:
    """Every rule: first a table with its mode at each stage, then what it demands and how to mend a failure."""
    parts = [_HEAD, "\n".join(_table(policies)), *("\n".join(_section(entry)) for entry in policies.catalog)]
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def _table(policies: PolicySet) -> Iterator[str]:
    stages = policies.stages
    yield f"| rule | what it demands | severity | {' | '.join(stages)} |"
    yield f"|---|---|---|{'---|' * len(stages)}"
    for entry in policies.catalog:
        modes = " | ".join(_mode(policies.parameters, stage, entry.id) for stage in stages)
        yield f"| {entry.id} | {entry.title} | {entry.severity} | {modes} |"


def _mode(parameters: Parameters, stage: str, rule: str) -> str:
    setting = parameters.stages[stage].rules.get(rule)
    written = setting.mode if setting is not None and setting.mode is not None else parameters.stages[stage].mode
    return "enforce" if rule in UNCONDITIONAL else written.value


def _section(entry: CatalogEntry) -> Iterator[str]:
    actions = " and ".join({"promote": "promotion", "rollback": "roll-back"}[action] for action in entry.actions)
    yield f"## {entry.id}: {entry.title}\n"
    yield f"{entry.description.strip()}\n"
    yield f"- Concerns: the {actions} of {', '.join(entry.kinds)}"
    yield f"- Severity: {entry.severity}"
    yield f"- Remedy: {entry.remedy}"
    yield f"- Answers to: {'; '.join(entry.frameworks)}"
    yield f"- Written in: `policies/{entry.file}`"
