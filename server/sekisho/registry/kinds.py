"""The manifest of each kind: what changes behaviour, and nothing else.

A manifest is canonical by construction: optionals that are absent (or null, or empty) are left out, and lists whose
order means nothing are sorted. So the same content has the same digest however it was written. Numbers are integers.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from sekisho.kernel.digests import canonical_json, digest_of_bytes
from sekisho.kernel.references import Kind
from sekisho.registry.types import Dependency, Source

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
Licence = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+() -]{0,199}$")]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
FieldName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
Count = Annotated[int, Meta(ge=1, le=2**31)]
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Base of the pieces of manifests."""


class Manifest(Part, frozen=True, kw_only=True):
    """Base of the manifests."""

    def dependencies(self) -> tuple[Dependency, ...]:
        """The versions that this manifest pins, in the order of its fields."""
        return ()

    def external_sources(self) -> tuple[Source, ...]:
        """What it is made from that the registry does not hold."""
        return ()

    def sorted(self) -> Manifest:
        """The same content with every list whose order means nothing in its one order."""
        return self

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values, absent optionals omitted."""
        value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.sorted()))
        return value

    def canonical(self) -> bytes:
        """RFC 8785 bytes."""
        return canonical_json(self.to_json())

    def own_digest(self) -> str:
        """The digest under which a version of this content is kept."""
        return digest_of_bytes(self.canonical())


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
    variables: Annotated[dict[str, dict[str, Any]], Meta(max_length=100)] = {}


class Extractor(Part, frozen=True, kw_only=True):
    """What took a text out of a file; its version moves whenever the same bytes may give another text."""

    name: Name
    version: Count


class OriginalFile(Part, frozen=True, kw_only=True):
    """The file that a text was taken out of. Its bytes stay where they came from."""

    digest: Digest
    bytes: Size
    media_type: Annotated[str, Meta(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}$")]
    extractor: Extractor


class CorpusFile(Part, frozen=True, kw_only=True):
    """A text of a corpus. `time`, epoch milliseconds, is when its words were last changed, as its source says.

    `licence` is said where it differs from the corpus's; `retention_days` counts from `time`.
    """

    path: Annotated[str, Meta(min_length=1, max_length=500)]
    digest: Digest
    bytes: Size
    media_type: Annotated[str, Meta(pattern=r"^text/[a-z0-9.+-]{1,60}$")]
    language: Language | None = None
    title: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    uri: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None
    time: Size | None = None
    licence: Licence | None = None
    personal_data: bool | None = None
    retention_days: Count | None = None
    original: OriginalFile | None = None


class CorpusSource(Part, frozen=True, kw_only=True):
    """Where files came from: a git commit, a URL, a DVC or lakeFS URI."""

    uri: Annotated[str, Meta(min_length=1, max_length=1000)]
    digest: Annotated[str, Meta(max_length=200)] | None = None
    retrieved_at: Size | None = None


class CorpusManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.corpus/v1"):
    """Text files by digest; the bytes are blobs of the project."""

    files: Annotated[tuple[CorpusFile, ...], Meta(min_length=1, max_length=20_000)]
    licence: Licence
    sources: Annotated[tuple[CorpusSource, ...], Meta(max_length=100)] = ()
    language: Language | None = None

    def sorted(self) -> Manifest:
        files = tuple(sorted(self.files, key=lambda file: file.path))
        sources = tuple(sorted(self.sources, key=lambda item: (item.uri, item.digest or "", item.retrieved_at or 0)))
        return msgspec.structs.replace(self, files=files, sources=sources)

    def external_sources(self) -> tuple[Source, ...]:
        return tuple(Source("source", item.uri, item.digest, item.retrieved_at) for item in self.sources)


class Chunker(Part, frozen=True, kw_only=True):
    name: Name
    version: Count
    max_tokens: Count
    overlap: Size


class EmbedderPin(Part, frozen=True, kw_only=True):
    name: Name
    digest: Digest
    dimension: Count


class RerankerPin(Part, frozen=True, kw_only=True):
    """A cross-encoder that orders the best `candidates` anew."""

    name: Name
    digest: Digest
    candidates: Annotated[int, Meta(ge=1, le=1000)]


NO_FILTER: Final = "name a path_prefix, languages, licences, since or until, or leave it out"


class DocumentFilter(Part, frozen=True, kw_only=True):
    """Which documents are searched: all of what it names must hold. Nothing named is no filter.

    `licences` are those of the document, or else of its corpus. `since` and `until` bound its time (epoch milliseconds,
    both included); a document whose time is not known is then left out.
    """

    path_prefix: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    languages: Annotated[tuple[Language, ...], Meta(min_length=1, max_length=50)] | None = None
    licences: Annotated[tuple[Licence, ...], Meta(min_length=1, max_length=50)] | None = None
    since: Size | None = None
    until: Size | None = None

    def problems(self) -> dict[str, str]:
        """What is wrong with it, by field; the empty name is the filter itself."""
        wrong = {} if self != DocumentFilter() else {"": NO_FILTER}
        if self.since is not None and self.until is not None and self.since > self.until:
            wrong["until"] = "must not be before since"
        return wrong


class Retriever(Part, frozen=True, kw_only=True):
    mode: Literal["dense", "bm25", "hybrid"]
    k: Annotated[int, Meta(ge=1, le=1000)]
    analyser: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """Version of the rules that cut text into search terms; named wherever terms are searched."""
    rrf_k: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    candidates: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """How deep each list goes into the fusion."""
    dense_weight: Annotated[int, Meta(ge=1, le=99)] | None = None
    """Percent: scores are fused in place of ranks, the vectors' with this weight and the terms' with the rest."""
    dense_scripts: tuple[Literal["cjk", "latin"], ...] | None = None
    """Scripts that the embedder reads: for a query in another one vectors abstain and terms decide alone."""
    reranker: RerankerPin | None = None
    filter: DocumentFilter | None = None
    """What every search of the index is limited to."""


class Chunks(Part, frozen=True, kw_only=True):
    count: Count
    root: Digest


class IndexManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.index/v1"):
    """A built index: its corpus, the parameters, and the Merkle root over its chunks. Vectors are not part of it."""

    corpus: Digest
    chunker: Chunker
    embedder: EmbedderPin
    retriever: Retriever
    distance: Literal["ip"]
    chunks: Chunks

    def dependencies(self) -> tuple[Dependency, ...]:
        return (Dependency("corpus", Kind.CORPUS, self.corpus, "$.corpus"),)

    def external_sources(self) -> tuple[Source, ...]:
        return (Source("embedder", f"embedder:{self.embedder.name}", self.embedder.digest),)


class ModelManifest(Manifest, frozen=True, kw_only=True, tag_field="schema", tag="sekisho.model/v1"):
    """A model by digest. No host or URL: operators map hosts in settings."""

    name: Name
    digest: Digest
    family: Name
    licence: Licence
    provider: Literal["builtin", "ollama"]
    options: dict[str, int | bool | str] = {}


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
    params: dict[str, Any] = {}


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
