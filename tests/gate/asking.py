"""Asks regorus from ordinary code, as property tests and simulations do."""

from __future__ import annotations

import asyncio
from typing import Any

from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.policies import PolicySet
from sekisho.gate.schemas import read_input
from sekisho.gate.verdict import read_verdict


class Asking:
    """The real engine and the real reading of its answer, in a loop of its own. `close` ends its child process."""

    def __init__(self, policies: PolicySet) -> None:
        self.policies = policies
        self.loop = asyncio.new_event_loop()
        self.engine = RegorusEngine(policies, timeout_ms=20_000)

    def decide(self, document: dict[str, Any]) -> dict[str, Any]:
        """The whole decision on an input, which must match its schema."""
        raw = self.loop.run_until_complete(self.engine.evaluate(read_input(document).as_json()))
        return read_verdict(raw, engine="regorus", policy_digest=self.policies.digest).as_json()

    def allows(self, document: dict[str, Any]) -> bool:
        return bool(self.decide(document)["allow"])

    def close(self) -> None:
        self.loop.run_until_complete(self.engine.close())
        self.loop.close()
