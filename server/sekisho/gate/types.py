"""What the gate answers: values and pure rules, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec

RULE_ID = r"^[A-Z]{3}-[0-9]{2}$"
RuleId = Annotated[str, msgspec.Meta(pattern=RULE_ID, max_length=6)]
Sentence = Annotated[str, msgspec.Meta(max_length=4096)]


class Outcome(StrEnum):
    """How a decision ended. Only `ALLOW` and `OVERRIDE` move a pointer."""

    ALLOW = "allow"
    DENY = "deny"
    ERROR = "error"
    OVERRIDE = "override"


class RuleStatus(StrEnum):
    """What one rule found. Only `PASSED` satisfies a required rule."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    MISSING = "missing"
    NOT_APPLICABLE = "not_applicable"


class Mode(StrEnum):
    """What a rule's finding does at this stage: deny, show, or nothing."""

    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


class RuleResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule's finding, with what was seen, what was wanted and how to mend it."""

    status: RuleStatus
    waived: bool
    """A valid waiver covers it; only ever true beside failed, inconclusive or missing."""
    mode: Mode
    message: Sentence
    observed: Sentence
    required: Sentence
    remedy: Sentence
    """A literal command where one exists; empty for a rule that passed or does not apply."""
    details: Annotated[tuple[Sentence, ...], msgspec.Meta(max_length=1000)]


class PolicyAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``data.sekisho.gate.decision``: the shape an engine's answer must have to be one."""

    allow: bool
    required: Annotated[tuple[RuleId, ...], msgspec.Meta(min_length=1)]
    """Rule ids that must pass or be waived here: they follow from stage, kind and action."""
    passed: tuple[RuleId, ...]
    waived: tuple[RuleId, ...]
    blocking: tuple[RuleId, ...]
    """Required ids that neither passed nor are waived."""
    rules: Annotated[dict[RuleId, RuleResult], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """A validated answer, and which engine gave it under which policy."""

    answer: PolicyAnswer
    engine: str
    """Name and version, as ``regorus 0.9.1``."""
    policy_digest: str

    @property
    def outcome(self) -> Outcome:
        return Outcome.ALLOW if self.answer.allow else Outcome.DENY

    @property
    def rules(self) -> Mapping[str, RuleResult]:
        return self.answer.rules

    @property
    def only_evidence_lacks(self) -> bool:
        """Denied, and every blocking rule is missing or inconclusive: the CLI's exit code 3 instead of 1."""
        lacking = (RuleStatus.MISSING, RuleStatus.INCONCLUSIVE)
        return not self.answer.allow and all(self.rules[rule].status in lacking for rule in self.answer.blocking)

    def as_json(self) -> dict[str, Any]:
        """The answer as plain JSON values, for storage and signing."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.answer))
        return plain
