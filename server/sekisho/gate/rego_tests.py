"""Runs the ``test_`` rules of a policy's ``*_test.rego`` files on regorus, as ``opa test -b`` runs them on OPA."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from sekisho.gate.catalog import USER
from sekisho.gate.policies import PolicySet
from sekisho.kernel.errors import ExtraMissing

_PACKAGE: Final = re.compile(r"^package[ \t]+([\w.]+)", re.MULTILINE)
_TEST: Final = re.compile(r"^(test_\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RegoTest:
    """One test rule; ``reason`` is empty where it passed."""

    file: str
    rule: str
    reason: str

    @property
    def passed(self) -> bool:
        return not self.reason


def run_rego_tests(policies: PolicySet) -> tuple[RegoTest, ...]:
    """Every test rule with its result. A rule passes only where it is exactly ``true``."""
    try:
        regorus: Any = import_module("regorus")
    except ImportError as error:
        raise ExtraMissing(
            "the embedded policy engine is not installed", remedy="pip install 'sekisho[server]'"
        ) from error
    engine = regorus.Engine()
    for path, content in {**policies.files, **policies.tests}.items():
        engine.add_policy(path, content.decode("utf-8"))
    engine.add_data_json(policies.data_json.decode("utf-8"))
    return tuple(
        RegoTest(file, rule, _reason(engine.clone(), f"data.{package}.{rule}"))
        for file, package, rule in rules_of_tests(policies)
    )


def rules_of_tests(policies: PolicySet) -> Iterator[tuple[str, str, str]]:
    """File, package and name of each test rule that is about this policy.

    Where users' packages are in it these are theirs: the built-in rules' own tests expect no other rule.
    """
    for file, content in sorted(policies.tests.items()):
        if policies.own_files and not file.startswith(USER):
            continue
        text = content.decode("utf-8")
        package = _PACKAGE.search(text)
        for rule in dict.fromkeys(_TEST.findall(text)):
            yield file, package[1] if package else "", rule


def _reason(engine: Any, path: str) -> str:
    try:
        answer = str(engine.eval_rule_as_json(path))
    except Exception as error:
        return f"error: {str(error).strip().splitlines()[-1]}"
    return "" if answer == "true" else f"it is {answer.strip()}, not true"
