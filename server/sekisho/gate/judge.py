"""Asking the policy engine, and failing closed: whatever is not a proper verdict is the outcome ``error``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.input_types import GateInput
from sekisho.gate.types import Outcome
from sekisho.gate.verdict import read_verdict
from sekisho.kernel.errors import SekishoError
from sekisho.kernel.logging import get_logger

_log = get_logger("sekisho.gate")

_MEND: Final = "see to the policy engine, about which /readyz and the server's log say more, then ask again"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one question to the engine. `answer` is None exactly where `error` says why."""

    outcome: Outcome
    policy_digest: str
    engine: str
    answer: Mapping[str, Any] | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Judge:
    """One policy engine, and the digest of the policy that it must be running."""

    engine: PolicyEngine

    def silent(self, reason: str) -> Judgement:
        """No verdict, without asking."""
        engine = self.engine
        return Judgement(Outcome.ERROR, engine.policy_digest, f"{engine.name} {engine.version}".strip(), None, reason)

    async def judge(self, gate_input: GateInput) -> Judgement:
        """Never raises for an engine that is down, slow, wrong or talking nonsense: that is an ``error`` outcome."""
        digest, name = self.engine.policy_digest, f"{self.engine.name} {self.engine.version}".strip()
        try:
            verdict = read_verdict(await self.engine.evaluate(gate_input.as_json()), engine=name, policy_digest=digest)
        except SekishoError as error:
            _log.error("the policy engine gave no verdict", reason=error.detail, engine=name)
            return Judgement(Outcome.ERROR, digest, name, None, f"{error.detail}; what to do: {error.remedy or _MEND}")
        return Judgement(verdict.outcome, digest, name, verdict.as_json(), None)
