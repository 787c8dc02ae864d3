"""The policy in force together with the engines that judge by it, and where the gate finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import FieldError, Invalid


@dataclass(frozen=True, slots=True)
class Bench:
    """One policy with its engines.

    `standby` judges a roll-back where `judge` gives no verdict, under the same policy: the way back to what was allowed
    before must not hang on a server. Nor must breaking the glass. It never judges any other promotion, and decisions
    name the engine that made them.
    """

    policies: PolicySet
    judge: Judge
    standby: Judge | None = None

    def known_stage(self, stage: str) -> None:
        """Raises `Invalid` for a stage that this policy does not know."""
        if stage not in self.policies.stages:
            raise Invalid(
                f"there is no stage {stage!r}",
                fields=[FieldError("$.stage", f"use one of {', '.join(self.policies.stages)}")],
                remedy="stages are set in the policy data",
            )


class Benches(Protocol):
    """Where the gate finds the policy in force."""

    async def sitting(self, tx: Transaction) -> Bench:
        """The bench of the policy that is in force as this transaction sees it.

        Raises `Unavailable` where none is, `IntegrityFailed` where the one that is cannot be trusted.
        """
        ...
