"""What a case is, and how one is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.gate import inputs
from tests.gate.inputs import Change, Json


@dataclass(frozen=True)
class Case:
    """``blocking``: what must stand in the way, exactly; empty where the promotion is allowed."""

    name: str
    rule: str
    status: str
    blocking: tuple[str, ...]
    change: Change

    @property
    def document(self) -> Json:
        return inputs.changed(self.change)


CASES: list[Case] = []


def case(rule: str, status: str, *blocking: str) -> Callable[[Change], Change]:
    """Register a change as the case ``<rule>-<function's name>``; by default the rule itself blocks."""

    def register(change: Change) -> Change:
        name = f"{rule}-{change.__name__}".lower().replace("_", "-")
        stops = blocking or (() if status == "passed" else (rule,))
        CASES.append(Case(name, rule, status, tuple(b for b in stops if b), change))
        return change

    return register
