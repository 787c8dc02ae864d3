"""The gate's input: what a policy may know, and nothing else.

Integers, strings, booleans, arrays and objects only. Rates are basis points, times are epoch milliseconds,
absent values are left out. ``policies/input.schema.json`` is generated from these types.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

SCHEMA: Final = "sekisho.gate-input/v1"

LARGEST: Final = 2**53 - 1
Text = Annotated[str, Meta(max_length=4096)]
Word = Annotated[str, Meta(min_length=1, max_length=256)]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
Moment = Annotated[int, Meta(ge=0, le=LARGEST)]
"""Epoch milliseconds."""
Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Bp = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]
"""Basis points: 10000 is one."""
StageName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,30}$", max_length=31)]
KindName = Literal["system", "prompt", "corpus", "index", "agent", "dataset", "suite", "model"]
PrincipalKind = Literal["person", "service"]
Origin = Literal["measured", "imported", "attested"]


class _Closed(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown fields are refused; absent optionals are left out."""


class Subject(_Closed, frozen=True, kw_only=True):
    """The version that wants to move."""

    kind: KindName
    name: Word
    digest: Digest
    number: Count


class Requester(_Closed, frozen=True, kw_only=True):
    """Who asks."""

    principal: Word
    kind: PrincipalKind


class Involved(_Closed, frozen=True, kw_only=True):
    """Someone who may not approve this change, and why."""

    principal: Word
    because: Literal["author", "requester", "commit_author"]


class Current(_Closed, frozen=True, kw_only=True):
    """The version at the target stage now."""

    digest: Digest
    number: Count


class _Node(_Closed, tag_field="kind", frozen=True, kw_only=True):
    """One version of the pinned closure. ``integrity``: whether the stored bytes hash to the digest."""

    name: Word
    digest: Digest
    integrity: Literal["verified", "mismatch"]
    archived: bool
    revoked: bool


class NoFacts(_Closed, frozen=True, kw_only=True):
    """A kind whose manifest no rule reads yet."""


class Licensed(_Closed, frozen=True, kw_only=True):
    """``licence`` is an SPDX expression; absent where none is declared."""

    licence: Word | UnsetType = UNSET


class ModelFacts(Licensed, frozen=True, kw_only=True):
    """``pinned``: the manifest names the digest of the model's weights."""

    name: Word
    family: Text
    pinned: bool


class Source(_Closed, frozen=True, kw_only=True):
    """Where documents came from."""

    uri: Word
    digest: Word | UnsetType = UNSET
    retrieved_at: Moment | UnsetType = UNSET


class CorpusFacts(Licensed, frozen=True, kw_only=True):
    """``files``: how many."""

    sources: tuple[Source, ...]
    files: Count


class IndexFacts(_Closed, frozen=True, kw_only=True):
    """``integrity``: what the last `sekisho index verify` found; ``unverified`` where none ran."""

    embedder: Text
    embedder_digest: Digest | UnsetType = UNSET
    dimension: Count
    retriever: Literal["dense", "bm25", "hybrid"]
    corpus: Digest
    integrity: Literal["verified", "drifted", "unverified"]
    verified_at: Moment | UnsetType = UNSET


class SystemFacts(_Closed, frozen=True, kw_only=True):
    """What is governed. ``purpose_set`` and ``owner_set``: whether the manifest fills these fields."""

    risk_class: Literal["minimal", "limited", "high", "prohibited"] | UnsetType = UNSET
    purpose_set: bool
    owner_set: bool
    affected_groups: tuple[Word, ...]
    role: Literal["provider", "deployer"]


class Tool(_Closed, frozen=True, kw_only=True):
    """What an agent may call."""

    name: Word
    effect: Literal["read", "write", "destructive"]


class Limits(_Closed, frozen=True, kw_only=True):
    """An agent's limits; an absent one is not set."""

    max_steps: Count | UnsetType = UNSET
    max_tokens: Count | UnsetType = UNSET
    timeout_ms: Count | UnsetType = UNSET


class AgentFacts(_Closed, frozen=True, kw_only=True):
    """What an agent may do."""

    tools: tuple[Tool, ...]
    limits: Limits


class SystemNode(_Node, tag="system", frozen=True, kw_only=True):
    facts: SystemFacts


class PromptNode(_Node, tag="prompt", frozen=True, kw_only=True):
    facts: NoFacts


class CorpusNode(_Node, tag="corpus", frozen=True, kw_only=True):
    facts: CorpusFacts


class IndexNode(_Node, tag="index", frozen=True, kw_only=True):
    facts: IndexFacts


class AgentNode(_Node, tag="agent", frozen=True, kw_only=True):
    facts: AgentFacts


class DatasetNode(_Node, tag="dataset", frozen=True, kw_only=True):
    facts: Licensed


class SuiteNode(_Node, tag="suite", frozen=True, kw_only=True):
    facts: NoFacts


class ModelNode(_Node, tag="model", frozen=True, kw_only=True):
    facts: ModelFacts


Node = SystemNode | PromptNode | CorpusNode | IndexNode | AgentNode | DatasetNode | SuiteNode | ModelNode


class Lineage(_Closed, frozen=True, kw_only=True):
    """The pinned closure as an adjacency list. ``dangling``: digests a version names and nobody registered."""

    root: Digest
    nodes: dict[Digest, Node]
    edges: dict[Digest, tuple[Digest, ...]]
    dangling: tuple[Digest, ...]


class Interval(_Closed, frozen=True, kw_only=True):
    """A mean with its confidence interval; the three are absent together, where nothing was scored.

    The pessimistic bounds are those that hold if every case that could not be scored is as bad as it can be.
    """

    n: Count
    mean_bp: Bp | UnsetType = UNSET
    low_bp: Bp | UnsetType = UNSET
    high_bp: Bp | UnsetType = UNSET
    pessimistic_low_bp: Bp | UnsetType = UNSET
    pessimistic_high_bp: Bp | UnsetType = UNSET


class Gap(_Closed, frozen=True, kw_only=True):
    """The difference between the best and the worst group of an axis, with its interval."""

    gap_bp: Bp
    low_bp: Bp
    high_bp: Bp
    best: Word
    worst: Word
    n: Count
    paired: bool
    worst_cases: tuple[Word, ...]


class Metric(Interval, frozen=True, kw_only=True):
    """``slices``: axis → group → interval. ``coverage_bp``: share of cases that could be scored."""

    scorer: Word | UnsetType = UNSET
    """Who gave it; absent where no scorer that is known gives a metric of this name."""
    coverage_bp: Bp
    slices: dict[Word, dict[Word, Interval]]
    gaps: dict[Word, Gap]


class Controls(_Closed, frozen=True, kw_only=True):
    """Cases whose verdict is known beforehand. ``allowed``: how many of them the suite lets a scorer miss."""

    planned: Count
    missed: Count
    allowed: Count
    missed_cases: tuple[Word, ...]


class Instrument(_Closed, frozen=True, kw_only=True):
    """What a scorer measured with and can be wrong by itself: a judge with its family, a grounding head."""

    scorer: Word
    digest: Digest
    family: Text | UnsetType = UNSET


class RunBrief(_Closed, frozen=True, kw_only=True):
    """What tells whether a run counts. ``suite``, ``dataset``, ``subject`` are digests."""

    id: Word
    suite: Digest
    dataset: Digest
    subject: Digest
    origin: Origin
    producer: Word | UnsetType = UNSET
    """The principal who asked for it, or, where it was not measured here, who brought or attested it."""
    state: Literal["finished", "inconclusive"]
    finished_at: Moment
    final_digest: Digest
    coverage_bp: Bp
    controls: Controls | UnsetType = UNSET
    """Absent where the suite carries no control cases."""


class RunEvidence(RunBrief, frozen=True, kw_only=True):
    """One evaluation of one version by one suite version."""

    suite_name: Word
    cases: Count
    scored: Count
    engine: dict[Word, Text]
    instruments: tuple[Instrument, ...]
    metrics: dict[Word, Metric]


Level = Annotated[int, Meta(ge=1, le=1_000_000)]
"""The probability, in millionths, that an interval misses the truth."""


class PoolEvidence(_Closed, frozen=True, kw_only=True):
    """Several runs of one version by one suite as one estimate; policy checks that ``members`` are those it must be."""

    suite: Digest
    dataset: Digest
    subject: Digest
    members: tuple[Word, ...]
    """Ids of the runs, in the order of their ends; a run that repeats another to the byte is pooled once."""
    level_ppm: Level
    cases: Count
    scored: Count
    coverage_bp: Bp
    metrics: dict[Word, Metric]


class Abandoned(_Closed, frozen=True, kw_only=True):
    """A run that ended without a result that counts: whoever decides should see how often it was tried."""

    id: Word
    suite: Digest
    suite_name: Word
    dataset: Digest
    state: Literal["inconclusive", "failed", "cancelled"]
    origin: Origin
    producer: Word
    done: Count
    planned: Count
    ended_at: Moment


class Recorded(_Closed, frozen=True, kw_only=True):
    """How many runs of the subject by a suite the ledger says finished, and how many ended otherwise.

    With it, a run that is out of sight is noticed.
    """

    suite: Digest
    finished: Count
    abandoned: Count


class Bounds(_Closed, frozen=True, kw_only=True):
    """An interval alone."""

    low_bp: Bp
    high_bp: Bp


class ComparisonEvidence(_Closed, frozen=True, kw_only=True):
    """Paired difference under one suite: subject minus ``baseline``, in basis points.

    ``members`` and ``baseline_members`` are the runs of each that were pooled. ``levels`` holds the interval at
    ``level_ppm`` divided by 1, 2 …, the first being that of ``low_bp`` and ``high_bp``: policy takes Holm's steps on
    them. ``mcnemar_p_bp`` and ``p_value_bp`` are p-values, ``mde_bp`` the least difference that would have been seen.
    """

    suite: Digest
    baseline: Digest
    metric: Word
    diff_bp: Bp
    low_bp: Bp
    high_bp: Bp
    n: Count
    members: tuple[Word, ...]
    baseline_members: tuple[Word, ...]
    level_ppm: Level
    levels: tuple[Bounds, ...]
    mcnemar_p_bp: Bp | UnsetType = UNSET
    p_value_bp: Bp | UnsetType = UNSET
    mde_bp: Bp | UnsetType = UNSET


class QualificationEvidence(_Closed, frozen=True, kw_only=True):
    """How an instrument did on labelled cases: Cohen's kappa with its interval. ``labels`` is the labels' digest."""

    instrument: Digest
    name: Text
    labels: Digest
    n: Count
    scored: Count
    kappa_bp: Bp
    low_bp: Bp
    high_bp: Bp
    sensitivity_bp: Bp | UnsetType = UNSET
    specificity_bp: Bp | UnsetType = UNSET
    at: Moment
    origin: Origin


class CardFields(_Closed, frozen=True, kw_only=True):
    """Which parts of a card are filled."""

    intended_use: bool
    limitations: bool
    risks: bool
    contact: bool
    affected_groups: bool
    evaluation: bool


class CardEvidence(_Closed, frozen=True, kw_only=True):
    """A system card; ``subject`` is the digest of the system's version."""

    id: Word
    subject: Digest
    origin: Origin
    principal: Word
    created_at: Moment
    fields: CardFields


class Evidence(_Closed, frozen=True, kw_only=True):
    """What was measured, compared and written down. ``hash`` is what an approval must name.

    ``runs`` are all of the subject that came to a result, oldest first, whether they count or not.
    """

    hash: Digest
    runs: tuple[RunEvidence, ...]
    pools: tuple[PoolEvidence, ...]
    abandoned: tuple[Abandoned, ...]
    recorded: tuple[Recorded, ...]
    baseline_runs: tuple[RunBrief, ...]
    qualifications: tuple[QualificationEvidence, ...]
    comparisons: tuple[ComparisonEvidence, ...]
    cards: tuple[CardEvidence, ...]


class ApprovalEvidence(_Closed, frozen=True, kw_only=True):
    """A yes. ``independent``: neither involved nor created by someone who is; ``reasons`` say why not."""

    id: Word
    principal: Word
    kind: PrincipalKind
    digest: Digest
    stage: StageName
    evidence_hash: Digest
    at: Moment
    expires_at: Moment
    independent: bool
    reasons: tuple[Text, ...]
    has_role: bool


class WaiverEvidence(_Closed, frozen=True, kw_only=True):
    """An exception for one rule, one version and one stage, until it expires."""

    id: Word
    rule: Annotated[str, Meta(pattern=r"^[A-Z]{3}-[0-9]{2}$", max_length=6)]
    digest: Digest
    stage: StageName
    expires_at: Moment
    principal: Word


class GateInput(_Closed, frozen=True, kw_only=True):
    """Everything one decision rests on."""

    schema: Literal["sekisho.gate-input/v1"]
    now: Moment
    action: Literal["promote", "rollback"]
    project: Word
    stage: StageName
    from_stages: tuple[StageName, ...]
    """Stages whose pointer is at the subject's digest now."""
    subject: Subject
    requester: Requester
    involved: tuple[Involved, ...]
    current: Current | UnsetType = UNSET
    formerly_allowed: bool
    """Whether an allowing decision once moved this digest to this stage."""
    lineage: Lineage
    evidence: Evidence
    approvals: tuple[ApprovalEvidence, ...]
    waivers: tuple[WaiverEvidence, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, absent optionals left out: what an engine is given and a digest is taken of."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return plain
