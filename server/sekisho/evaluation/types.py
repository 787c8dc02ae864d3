"""What an evaluation is made of: scores, cases, case results, runs. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Origin(StrEnum):
    """Where evidence comes from: measured by our own worker, brought by a principal, or attested by a person."""

    MEASURED = "measured"
    IMPORTED = "imported"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class Scored:
    """A score. Never NaN: what has no value is `Unscored`."""

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError("a score is a finite number; say Unscored(reason) where there is none")


@dataclass(frozen=True, slots=True)
class Unscored:
    """No score, and why. It counts against coverage, never as a 0."""

    reason: str


Score = Scored | Unscored


class Target(StrEnum):
    """What of the subject a suite exercises."""

    RETRIEVAL = "retrieval"
    ANSWERS = "answers"


class RunState(StrEnum):
    """``inconclusive``: it ended, and too little was scored to say anything."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self not in {RunState.QUEUED, RunState.RUNNING}


@dataclass(frozen=True, slots=True)
class Control:
    """An answer that is known to be wrong on its context: it tests the scorer, not the subject.

    `kind` is ``unsupported`` (the context does not say it) or ``instruction`` (it orders the scorer to accept it).
    """

    answer: str
    context: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a dataset.

    `gold` are passages that answer the question, `cluster` the document it was made from (answers to one document
    are not independent), `pair` joins the same question in other words or languages, `qrels` are grades of relevance
    by document or chunk id. `context` are passages that come with the case, for a subject that retrieves none;
    `variables` are further values for a prompt.
    """

    id: str
    question: str
    gold: tuple[str, ...] = ()
    slices: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None
    pair: str | None = None
    expected: str | None = None
    qrels: Mapping[str, int] = field(default_factory=dict)
    context: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    control: Control | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk, as scorers see it."""

    chunk_id: str
    document: str
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """All that a scorer may read about one case: the case, what was retrieved, and the answer.

    `hits` or `answer` is None where the target does not produce it; `failure` says why there is no output at all.
    """

    case: Case
    hits: tuple[Hit, ...] | None = None
    answer: str | None = None
    latency_ms: int | None = None
    failure: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case of one run, as stored. `latency_ms`, `at` and `failed` are observations and stay out of the digest.

    `failed`: there was no output, which counts against the suite's error budget. `wanted`: of the dataset, whose digest
    is in the run's, what its reader has to see beside the answer: `expected`, `gold`, `relevant` ids, as far as known.
    """

    case_id: str
    repeat: int
    cluster: str
    pair: str | None
    slices: Mapping[str, str]
    question: str
    scores: Mapping[str, Score]
    output: Mapping[str, Any]
    latency_ms: int | None
    at: int
    failed: bool = False
    wanted: Mapping[str, Any] | None = None

    @property
    def is_control(self) -> bool:
        return "control" in self.output

    def canonical(self) -> dict[str, Any]:
        """The part of the result that the run's final digest covers."""
        return {
            "case": self.case_id,
            "repeat": self.repeat,
            "scores": {name: score_json(score) for name, score in self.scores.items()},
            "output": dict(self.output),
        }


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation of one version by one suite version. Times are epoch milliseconds, `planned` counts results.

    `answers` is the blob of recorded answers that an imported run scores. `observations`: how it went (cache hits,
    pace, hosts); no part of what was measured, and outside the final digest.
    """

    id: str
    project: str
    state: RunState
    origin: Origin
    suite: str
    suite_name: str
    dataset: str
    subject: str
    subject_kind: str
    subject_name: str
    target: Target
    principal: str
    job_id: str
    answers: str | None
    planned: int
    done: int
    engine: Mapping[str, str]
    summary: Mapping[str, Any] | None
    final_digest: str | None
    reason: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None
    observations: Mapping[str, Any] | None = None


def score_json(score: Score) -> dict[str, Any]:
    """``{"value": …}`` or ``{"unscored": reason}``."""
    return {"value": score.value} if isinstance(score, Scored) else {"unscored": score.reason}


def score_of(value: Mapping[str, Any]) -> Score:
    """The inverse of `score_json`."""
    return Unscored(value["unscored"]) if "unscored" in value else Scored(float(value["value"]))


def basis_points(value: float) -> int:
    """A share as integer basis points, rounded to nearest, halves away from zero (0.12345 is 1235, -0.5 bp is -1)."""
    return int(math.copysign(math.floor(abs(value) * 10_000 + 0.5 + 1e-9), value))
