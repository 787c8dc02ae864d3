"""Questions put to OPA, the lines of its own log about them, and whether the two agree. Pure; times are epoch ms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sekisho.gate.engines.port import PACKAGE, RULE
from sekisho.kernel.digests import digest_of

PATH: Final = f"{PACKAGE.replace('.', '/')}/{RULE}"
"""What OPA's log calls our question."""
MASK: Final = "********"
GRACE_MS: Final = 300_000
"""How long OPA may take to send the line of a decision before it counts as missing."""
RECENT_MS: Final = 86_400_000
"""How far back readiness, metrics and the worker look; what is older stays in the list of findings."""
_SECRET: Final = re.compile(r"authorization|cookie|password|passwd|secret|token|api[-_]?key|credential", re.IGNORECASE)
_BEARER: Final = re.compile(r"sks_[A-Za-z0-9_-]{43}|\b(?:Bearer|Basic)\s+\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that OPA answered us: `decision_id` is OPA's name for it. A digest is None for what it left out.

    `policy_digest` is the revision that it claimed to decide by.
    """

    decision_id: str
    asked_at: int
    input_digest: str
    answer_digest: str | None
    policy_digest: str | None

    def entered(self) -> dict[str, Any]:
        """What the ledger's entry says beside the name."""
        said = {"input": self.input_digest, "answer": self.answer_digest, "policy": self.policy_digest}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of OPA's log about our question.

    A digest is None for what it leaves out, and for what has no canonical form. `content_digest` is of all that is kept
    and compared; `line` holds its other words, with secrets masked.
    """

    decision_id: str
    content_digest: str
    received_at: int
    input_digest: str | None
    answer_digest: str | None
    policy_digest: str | None
    altered: bool
    """OPA says that it erased or masked parts of the line, so that nothing can be compared."""
    line: Mapping[str, Any]


def content_of(
    decision_id: str, asked: str | None, answer: str | None, policy: str | None, altered: bool, line: Mapping[str, Any]
) -> str:
    """The digest of all that is kept and compared of a line."""
    return digest_of([decision_id, asked, answer, policy, altered, line])


class Verdict(StrEnum):
    """How a question and OPA's log stand to each other."""

    AGREES = "agrees"
    DIFFERS = "differs"
    """Both are there and do not say the same."""
    MISSING = "missing"
    """OPA answered us and has not logged it within the time allowed."""
    STRANGE = "strange"
    """OPA logged a decision of ours that this server did not ask for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not agree, with the reason in words. `at` is when it was asked or, for a strange line, received."""

    verdict: Verdict
    decision_id: str
    at: int
    reasons: tuple[str, ...]
    asked: Asked | None
    logged: Logged | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How many questions and lines of the last `RECENT_MS` ended in each verdict."""

    counts: Mapping[Verdict, int]

    @property
    def alarming(self) -> bool:
        return any(self.counts[verdict] for verdict in (Verdict.DIFFERS, Verdict.MISSING))

    def told(self) -> str:
        """The counts in a sentence."""
        return (
            f"of OPA's decisions of the last day {self.counts[Verdict.DIFFERS]} differ from its log, "
            f"{self.counts[Verdict.MISSING]} are missing there, and {self.counts[Verdict.STRANGE]} were asked by others"
        )


def differences(asked: Asked, logged: Logged) -> Iterator[str]:
    """Each way in which the line does not say what we saw."""
    if logged.altered:
        yield "OPA erased or masked parts of the line before it sent it"
        return
    if logged.input_digest != asked.input_digest:
        yield f"it was asked {asked.input_digest}, its log says {logged.input_digest or 'nothing'}"
    if logged.answer_digest != asked.answer_digest:
        yield f"it answered {asked.answer_digest or 'nothing'}, its log says {logged.answer_digest or 'nothing'}"
    if logged.policy_digest != asked.policy_digest:
        yield f"it decided by {asked.policy_digest or 'no policy'}, its log says {logged.policy_digest or 'none'}"


def masked(value: Any) -> Any:
    """The value with everything that looks like a secret written over, by its name or by its form."""
    if isinstance(value, dict):
        return {key: MASK if _SECRET.search(key) else masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    # PostgreSQL keeps no NUL.
    return _BEARER.sub(MASK, value).replace("\x00", "\ufffd") if isinstance(value, str) else value
