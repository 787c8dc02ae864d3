"""The shape of ``sekisho.report/v2``, from which its JSON Schema is made. Pure.

Rates are whole basis points, times epoch milliseconds. What is not known is left out. Numbers may join a metric without
a new version of the schema; none that stands here goes away or changes its meaning.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

import msgspec

SCHEMA: Final = "sekisho.report/v2"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Outcome = Literal[
    "running", "failed", "cancelled", "inconclusive", "fail", "worse", "better", "unchanged", "pass", "measured"
]
Code = Literal["run_reason", "metric_worse", "metric_better", "metric_unknown", "metric_verdict"]


class Reason(TypedDict):
    """Why the verdict is what it is; `text` says it in English, the others to a program.

    `said` is what was decided of a claim: pass, fail or inconclusive.
    """

    code: Code
    text: str
    metric: NotRequired[str]
    said: NotRequired[str]


class Verdict(TypedDict):
    """`measured`: numbers, and nobody asked for a judgement of them. Policy judges at the gate."""

    outcome: Outcome
    reasons: list[Reason]


class Part(TypedDict):
    """A metric over some cases: its mean with a 95 % interval, unless nothing was scored."""

    n: int
    coverage_bp: int
    mean_bp: NotRequired[int]
    low_bp: NotRequired[int]
    high_bp: NotRequired[int]


class Gap(TypedDict):
    """Best group minus worst group of an axis."""

    gap_bp: int
    low_bp: int
    high_bp: int
    best: str
    worst: str
    n: int
    paired: bool
    worst_cases: list[str]


class Metric(Part):
    lower_is_better: bool
    slices: dict[str, dict[str, Part]]
    gaps: dict[str, dict[str, Any]]


class Controls(TypedDict):
    """Cases that are known to be wrong, and how many of them the scorers missed."""

    planned: int
    missed: int
    allowed: int
    missed_cases: list[str]


class Summary(TypedDict):
    cases: int
    scored: int
    coverage_bp: int
    metrics: dict[str, Metric]
    controls: NotRequired[Controls]


class Host(TypedDict):
    """A model host as the worker saw it. `circuit` is closed, open or half-open; `places` are calls at a time."""

    host: str
    circuit: str
    places: int | None
    decided: str
    calls: int
    failures: int
    at: int


class Observations(TypedDict):
    """How the run went; no part of what was measured, and outside the final digest. Over all attempts at it.

    `active_ms` is the time that workers spent; of `calls` to models `cached` were answered by the cache.
    """

    attempts: int
    active_ms: int
    failed: int
    not_tried: int
    cases_per_hour: NotRequired[int]
    calls: NotRequired[int]
    cached: NotRequired[int]
    hit_rate_bp: NotRequired[int]
    overruns: NotRequired[dict[str, int]]
    tokens_in: NotRequired[int]
    tokens_out: NotRequired[int]
    latency_ms: NotRequired[dict[str, int]]
    hosts: NotRequired[list[Host]]


class RunView(TypedDict):
    """What was measured, by what, for whom, and how far it got."""

    id: str
    project: str
    state: Literal["queued", "running", "finished", "inconclusive", "failed", "cancelled"]
    origin: str
    suite: str
    suite_name: str
    dataset: str
    subject: str
    subject_kind: str
    subject_name: str
    target: str
    principal: str
    planned: int
    done: int
    engine: dict[str, str]
    created_at: int
    started_at: NotRequired[int]
    finished_at: NotRequired[int]
    summary: NotRequired[Summary]
    final_digest: NotRequired[str]
    reason: NotRequired[str]
    observations: NotRequired[Observations]


class Bin(TypedDict):
    """Cases whose value lies from `low_bp` up to `high_bp` (the last bin holds its upper end too)."""

    low_bp: int
    high_bp: int
    n: int
    cases: list[str]


class Passage(TypedDict):
    """A retrieved passage. `text` is what the run kept of it; `cut` says that there was more."""

    rank: int
    chunk: NotRequired[str]
    document: NotRequired[str]
    text: NotRequired[str]
    cut: NotRequired[bool]


class Flag(TypedDict):
    """A part of the answer that a scorer objects to, and why."""

    text: str
    reasons: list[str]
    support_bp: NotRequired[int]


class Claim(TypedDict):
    """A claim that a judge found in the answer, its verdict, and what it quotes for it."""

    claim: str
    verdict: str
    quote: NotRequired[str]


class CaseView(TypedDict):
    """One case in its worst repeat. `repeats` counts those that ran; `failing` names the metrics it fails.

    `expected`, `gold` and `relevant` are the answer, the passages and the ids that the dataset calls right.
    """

    case: str
    repeat: int
    repeats: int
    question: str
    slices: dict[str, str]
    scores: dict[str, dict[str, Any]]
    failing: list[str]
    passages: list[Passage]
    flags: list[Flag]
    claims: list[Claim]
    expected: NotRequired[str]
    gold: NotRequired[list[str]]
    relevant: NotRequired[list[str]]
    answer: NotRequired[str]
    failure: NotRequired[str]
    abstained: NotRequired[bool]
    latency_ms: NotRequired[int]


class Shown(TypedDict):
    """How many cases there are, and how many of them, the worst first, the report holds.

    Where it does not hold all, `cases` is where the API has them: an address where the server's is known, else a path.
    """

    total: int
    shown: int
    cases: NotRequired[str]


class Unscored(TypedDict):
    metric: str
    reason: str
    n: int
    cases: list[str]


class Latency(TypedDict, total=False):
    n: int
    p50: int
    p95: int


class Group(TypedDict):
    case: str
    group: str
    question: str
    value_bp: int


class Worst(TypedDict):
    """A pair (or a case) that shows a gap: its question in each group."""

    name: str
    cases: list[Group]


class Regression(TypedDict):
    """A case that got worse by a metric, as it was and as it is."""

    metric: str
    case: str
    before_bp: int
    after_bp: int
    before: CaseView
    after: CaseView


class Comparison(TypedDict):
    """Against a baseline run of the same suite; differences are candidate minus baseline."""

    baseline: RunView
    metrics: dict[str, dict[str, Any]]
    regressions: list[Regression]
    distributions: dict[str, list[Bin]]


class Report(TypedDict):
    """One run of one version by one suite version."""

    schema: Literal["sekisho.report/v2"]
    verdict: Verdict
    run: RunView
    latency_ms: Latency
    distributions: dict[str, list[Bin]]
    worst: dict[str, dict[str, list[Worst]]]
    unscored: list[Unscored]
    cases: list[CaseView]
    cut: Shown
    methods: dict[str, str]
    controls: NotRequired[list[CaseView]]
    comparison: NotRequired[Comparison]


def report_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the report."""
    return {"$schema": DIALECT, "title": SCHEMA, **msgspec.json.schema(Report)}
