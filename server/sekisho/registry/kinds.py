"""The manifest of each kind: what changes behaviour, and nothing else. Those of what is searched: `index_kinds`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sekisho.kernel.references import Kind
from sekisho.registry.index_kinds import CorpusManifest, IndexManifest
from sekisho.registry.parts import Count, Digest, FieldName, Licence, Manifest, Name, Part, Size, Text, Word
from sekisho.registry.types import Dependency


class OutputMarking(Part, frozen=True, kw_only=True):
    """How outputs are marked as made by an AI system; `label` is for people, the other methods are for machines."""

    methods: Annotated[tuple[Literal["metadata", "watermark", "fingerprint", "label"], ...], Meta(min_length=1)]
    standard: Word | None = None

    def sorted(self) -> OutputMarking:
        return msgspec.structs.replace(self, methods=tuple(sorted(set(self.methods))))


class SystemManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.system/v1"):
    """What is governed: an application with a purpose, under the EU AI Act's risk classes and roles."""

    purpose: Text
    risk_class: Literal["minimal", "limited", "high", "prohibited"]
    owner: Word
    affected_groups: tuple[Word, ...] = ()
    role: Literal["provider", "deployer"]
    ai_notice: Text | None = None
    """How people are told that they deal with an AI system."""
    output_marking: OutputMarking | None = None

    def sorted(self) -> Manifest:
        marking = self.output_marking and self.output_marking.sorted()
        groups = tuple(sorted(set(self.affected_groups)))
        return msgspec.structs.replace(self, affected_groups=groups, output_marking=marking)


class PromptMessage(Part, frozen=True, kw_only=True):
    role: Literal["system", "user", "assistant"]
    template: Annotated[str, Meta(min_length=1, max_length=50_000)]


class PromptManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.prompt/v1"):
    """Chat messages as templates, and a JSON Schema for each variable they use."""

    messages: Annotated[tuple[PromptMessage, ...], Meta(min_length=1, max_length=100)]
    variables: Annotated[dict[str, dict[str, Any]], Meta(max_length=100)] = msgspec.field(default_factory=dict)


class ModelManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.model/v1"):
    """A model by digest. No host or URL: operators map hosts in settings."""

    name: Name
    digest: Digest
    family: Name
    licence: Licence
    provider: Literal["builtin", "ollama"]
    options: dict[str, int | bool | str] = msgspec.field(default_factory=dict)


class Tool(Part, frozen=True, kw_only=True):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
    schema: dict[str, Any]
    effect: Literal["read", "write", "destructive"]
    scopes: tuple[Word, ...] = ()
    human_approval: bool = False
    """Whether a person says yes to each call before it is made."""


class Limits(Part, frozen=True, kw_only=True):
    max_steps: Count
    max_tokens: Count
    timeout_ms: Count
    max_cost_micros: Count | None = None
    """What one request may cost, in millionths of the currency that whoever runs the agent is billed in."""


class Logging(Part, frozen=True, kw_only=True):
    """That requests, passages, answers and calls of tools are logged, and for how long the log is kept."""

    retention_days: Count


class Generation(Part, frozen=True, kw_only=True):
    """How the model is sampled; `temperature_bp` is the temperature times 10,000."""

    temperature_bp: Annotated[int, Meta(ge=0, le=20_000)] | None = None
    seed: Size | None = None
    num_ctx: Count | None = None
    num_predict: Count | None = None


class AgentManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.agent/v1"):
    """A prompt, an index and a model put together, with tools and limits, as part of a system."""

    system: Digest
    prompt: Digest
    index: Digest
    model: Digest
    tools: Annotated[tuple[Tool, ...], Meta(max_length=200)] = ()
    limits: Limits
    generation: Generation | None = None
    logging: Logging | None = None
    context_passages: Annotated[int, Meta(ge=1, le=1000)]

    def sorted(self) -> Manifest:
        return msgspec.structs.replace(self, generation=None) if self.generation == Generation() else self

    def dependencies(self) -> tuple[Dependency, ...]:
        return (
            Dependency("system", Kind.SYSTEM, self.system, "$.system"),
            Dependency("prompt", Kind.PROMPT, self.prompt, "$.prompt"),
            Dependency("index", Kind.INDEX, self.index, "$.index"),
            Dependency("model", Kind.MODEL, self.model, "$.model"),
        )


class DatasetManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.dataset/v1"):
    """Cases as JSON Lines in a blob: their digest, their count, and the names of all fields that occur."""

    content: Digest
    cases: Count
    fields: Annotated[tuple[FieldName, ...], Meta(min_length=1, max_length=200)]
    licence: Licence

    def sorted(self) -> Manifest:
        return msgspec.structs.replace(self, fields=tuple(sorted(set(self.fields))))


class ScorerUse(Part, frozen=True, kw_only=True):
    name: Name
    params: dict[str, Any] = msgspec.field(default_factory=dict)


class Sample(Part, frozen=True, kw_only=True):
    size: Count
    seed: Size | None = None


JUDGED = "judge."
"""What the names of scorers begin with that ask the suite's judge."""


class Controls(Part, frozen=True, kw_only=True):
    """How many of the dataset's control cases the suite's scorers may miss before a run says nothing."""

    max_missed: Annotated[int, Meta(ge=0, le=10_000)]


class SuiteManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.suite/v1"):
    """What to measure: a dataset, a target, scorers, slices. It holds no thresholds.

    `counterfactuals` are slice axes, such as name or gender, whose variants within a pair should change no score.
    `judge` is the model that the scorers ``judge.*`` ask. `model` answers where the subject is a prompt, which has no
    model of its own. `error_budget_bp` is the share of planned cases, in basis points, that may fail before a run
    stops early as inconclusive; absent, a run goes on to its end whatever fails.
    """

    dataset: Digest
    target: Literal["retrieval", "answers"]
    scorers: Annotated[tuple[ScorerUse, ...], Meta(min_length=1, max_length=50)]
    slices: Annotated[tuple[FieldName, ...], Meta(max_length=20)] = ()
    counterfactuals: Annotated[tuple[FieldName, ...], Meta(max_length=20)] = ()
    cluster_by: FieldName | None = None
    sample: Sample | None = None
    repeats: Annotated[int, Meta(ge=1, le=100)] = 1
    controls: Controls | None = None
    model: Digest | None = None
    judge: Digest | None = None
    error_budget_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None

    def sorted(self) -> Manifest:
        axes = tuple(sorted(set(self.counterfactuals)))
        return msgspec.structs.replace(self, slices=tuple(sorted(set(self.slices))), counterfactuals=axes)

    def dependencies(self) -> tuple[Dependency, ...]:
        pinned = (("judge", self.judge), ("model", self.model))
        models = [Dependency(name, Kind.MODEL, digest, f"$.{name}") for name, digest in pinned if digest is not None]
        return (Dependency("dataset", Kind.DATASET, self.dataset, "$.dataset"), *models)


MANIFESTS: dict[Kind, type[Manifest]] = {
    Kind.SYSTEM: SystemManifest,
    Kind.PROMPT: PromptManifest,
    Kind.CORPUS: CorpusManifest,
    Kind.INDEX: IndexManifest,
    Kind.AGENT: AgentManifest,
    Kind.DATASET: DatasetManifest,
    Kind.SUITE: SuiteManifest,
    Kind.MODEL: ModelManifest,
}
