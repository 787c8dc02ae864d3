"""The gate's input: what a policy may know, and nothing else.

Integers, strings, booleans, arrays and objects only. Rates are basis points, times are epoch milliseconds,
absent values are left out. ``policies/input.schema.json`` is generated from these types.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sekisho.gate.evidence_types import Evidence
from sekisho.gate.scalars import (
    Closed,
    Count,
    Digest,
    KindName,
    Moment,
    PrincipalKind,
    StageName,
    Text,
    Word,
)

SCHEMA: Final = "sekisho.gate-input/v1"


class Subject(Closed, frozen=True, kw_only=True):
    """The version that wants to move."""

    kind: KindName
    name: Word
    digest: Digest
    number: Count


class Requester(Closed, frozen=True, kw_only=True):
    """Who asks."""

    principal: Word
    kind: PrincipalKind


class Involved(Closed, frozen=True, kw_only=True):
    """Someone who may not approve this change, and why. ``kind`` is absent for a name that nobody here has."""

    principal: Word
    because: Literal["author", "requester", "commit_author"]
    kind: PrincipalKind | UnsetType = UNSET


class Current(Closed, frozen=True, kw_only=True):
    """The version at the target stage now."""

    digest: Digest
    number: Count


class _Node(Closed, tag_field="kind", frozen=True, kw_only=True):
    """One version of the pinned closure. ``integrity``: whether the stored bytes hash to the digest.

    ``registered_at``: when these bytes were first registered.
    """

    name: Word
    digest: Digest
    integrity: Literal["verified", "mismatch"]
    archived: bool
    revoked: bool
    registered_at: Moment | UnsetType = UNSET


class NoFacts(Closed, frozen=True, kw_only=True):
    """A kind whose manifest no rule reads yet."""


class Licensed(Closed, frozen=True, kw_only=True):
    """``licence`` is an SPDX expression; absent where none is declared."""

    licence: Word | UnsetType = UNSET


class ModelFacts(Licensed, frozen=True, kw_only=True):
    """``pinned``: the manifest names the digest of the model's weights."""

    name: Word
    family: Text
    pinned: bool


class Source(Closed, frozen=True, kw_only=True):
    """Where documents came from."""

    uri: Word
    digest: Word | UnsetType = UNSET
    retrieved_at: Moment | UnsetType = UNSET


class DatasetFacts(Licensed, frozen=True, kw_only=True):
    """``absent``: 1 where the bytes of its cases are gone, else 0."""

    absent: Count | UnsetType = UNSET


class CorpusFacts(Licensed, frozen=True, kw_only=True):
    """``files``: how many; ``absent``: of how many the bytes are gone. ``languages`` are those of its files."""

    sources: tuple[Source, ...]
    files: Count
    absent: Count | UnsetType = UNSET
    languages: tuple[Word, ...] = ()


class IndexFacts(Closed, frozen=True, kw_only=True):
    """``integrity``: what the last `sekisho index verify` found; ``unverified`` where none ran.

    ``built_at`` and ``built_with``, the embedder's digest, are of the record of its last build.
    """

    embedder: Text
    embedder_digest: Digest | UnsetType = UNSET
    dimension: Count
    retriever: Literal["dense", "bm25", "hybrid"]
    corpus: Digest
    integrity: Literal["verified", "drifted", "unverified"]
    verified_at: Moment | UnsetType = UNSET
    built_at: Moment | UnsetType = UNSET
    built_with: Digest | UnsetType = UNSET


class SystemFacts(Closed, frozen=True, kw_only=True):
    """What is governed. ``purpose_set``, ``owner_set``, ``ai_notice_set``: whether the manifest fills these fields.

    ``output_marking`` are the methods by which outputs are marked as made by an AI system; empty where none is.
    """

    risk_class: Literal["minimal", "limited", "high", "prohibited"] | UnsetType = UNSET
    purpose_set: bool
    owner_set: bool
    affected_groups: tuple[Word, ...]
    role: Literal["provider", "deployer"]
    ai_notice_set: bool = False
    output_marking: tuple[Literal["metadata", "watermark", "fingerprint", "label"], ...] = ()


class Tool(Closed, frozen=True, kw_only=True):
    """What an agent may call. ``human_approval``: a person says yes to each call before it is made."""

    name: Word
    effect: Literal["read", "write", "destructive"]
    scopes: tuple[Word, ...] = ()
    human_approval: bool = False


class Limits(Closed, frozen=True, kw_only=True):
    """An agent's limits; an absent one is not set."""

    max_steps: Count | UnsetType = UNSET
    max_tokens: Count | UnsetType = UNSET
    timeout_ms: Count | UnsetType = UNSET
    max_cost_micros: Count | UnsetType = UNSET


class AgentFacts(Closed, frozen=True, kw_only=True):
    """What an agent may do. ``log_retention_days``: for how long its log is kept; absent where nothing is logged."""

    tools: tuple[Tool, ...]
    limits: Limits
    log_retention_days: Count | UnsetType = UNSET


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
    facts: DatasetFacts


class SuiteNode(_Node, tag="suite", frozen=True, kw_only=True):
    facts: NoFacts


class ModelNode(_Node, tag="model", frozen=True, kw_only=True):
    facts: ModelFacts


Node = SystemNode | PromptNode | CorpusNode | IndexNode | AgentNode | DatasetNode | SuiteNode | ModelNode


class Lineage(Closed, frozen=True, kw_only=True):
    """The pinned closure as an adjacency list. ``dangling``: digests a version names and nobody registered."""

    root: Digest
    nodes: dict[Digest, Node]
    edges: dict[Digest, tuple[Digest, ...]]
    dangling: tuple[Digest, ...]


class ApprovalEvidence(Closed, frozen=True, kw_only=True):
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


class WaiverEvidence(Closed, frozen=True, kw_only=True):
    """An exception for one rule, one version and one stage, until it expires; of its giver as of an approval's."""

    id: Word
    rule: Annotated[str, Meta(pattern=r"^[A-Z]{3}-[0-9]{2}$", max_length=6)]
    digest: Digest
    stage: StageName
    expires_at: Moment
    principal: Word
    independent: bool
    has_role: bool


class GateInput(Closed, frozen=True, kw_only=True):
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
    along: tuple[Digest, ...] = ()
    """Versions that the same decision would move too."""
    evidence: Evidence
    approvals: tuple[ApprovalEvidence, ...]
    waivers: tuple[WaiverEvidence, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, absent optionals left out: what an engine is given and a digest is taken of."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return plain
