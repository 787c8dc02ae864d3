"""What the gate asks of a policy engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

PACKAGE: Final = "sekisho.gate"
RULE: Final = "decision"
BUNDLE: Final = "sekisho"
"""What OPA's configuration calls our bundle."""


class PolicyEngine(Protocol):
    """Answers ``data.sekisho.gate.decision`` under one policy digest, or raises `EngineFailed`."""

    @property
    def name(self) -> str:
        """``regorus`` or ``opa``."""
        ...

    @property
    def version(self) -> str:
        """The engine's version; empty where it is not known yet."""
        ...

    @property
    def policy_digest(self) -> str:
        """The policy that every answer is given under."""
        ...

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        """The engine's answer to a gate input, unjudged (`sekisho.gate.verdict` does that).

        Raises `EngineFailed` for an engine that is down, slow, broken or running another policy.
        """
        ...

    async def check(self) -> None:
        """Self-test: the engine is there, runs this policy, and does not allow an empty input."""
        ...

    async def close(self) -> None:
        """Let go of processes and connections. The engine may not be asked again."""
        ...


class Journal(Protocol):
    """Remembers what an OPA server answered, so that its own log can be held to it."""

    async def asked(
        self, decision_id: object, document: Mapping[str, Any], answer: object, policy_digest: str | None
    ) -> None:
        """Raises a `SekishoError` where it cannot: what nobody can hold to the log decides nothing."""
        ...


def refuse_allow_on_nothing(answer: object) -> str | None:
    """What is wrong with an engine's answer to an empty input; None where it is an answer and denies."""
    if not isinstance(answer, dict) or "allow" not in answer:
        return "it does not answer data.sekisho.gate.decision"
    if answer["allow"] is not False:
        return "it allows an empty input"
    return None
