"""What evaluation's REST takes and gives, as JSON; runs, cases and reports are told by `reports`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from sekisho.kernel.jobs import Progress


class NewRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which suite is to measure which agent, index or prompt.

    `answers` is the digest of a blob of recorded answers (JSON Lines of id, answer, retrieved): these are scored, and
    the run counts as imported by whoever asks, not as measured.
    """

    suite: Annotated[str, msgspec.Meta(examples=["suite/docs-retrieval@latest"])]
    subject: Annotated[str, msgspec.Meta(examples=["agent/docs-assistant@latest"])]
    answers: Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None


class ScorerView(msgspec.Struct, frozen=True):
    """What a scorer measures and reads, and when a case has no score.

    `range` bounds every score, null where there is no bound; `unit` says what is counted where it is no share.
    `parameters` is a JSON Schema. `extra` names the part of the package that it needs, where it needs one.
    """

    name: str
    meaning: str
    target: str
    reads: list[str]
    metrics: list[str]
    lower_is_better: list[str]
    range: list[float | None]
    unit: str
    judged: bool
    extra: str
    parameters: dict[str, Any]
    unscored_when: str
    limits: str


class ScorerList(msgspec.Struct, frozen=True):
    items: list[ScorerView]


class ReplayView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A replay of a run. `same` stands once it is done: whether final digest and report are the recorded bytes.

    `as_failed` results were taken as they had failed, since no answer was kept of them. `difference` names the first.
    """

    id: str
    run: str
    state: str
    progress: Progress
    same: bool | None = None
    compared: int | None = None
    as_failed: int | None = None
    other: int | None = None
    final_digest: str | None = None
    report: str | None = None
    difference: str | None = None
    error: str | None = None
