"""The types of ``sekisho.yaml``: what a commit is to mean, by kind and name. Pure.

Everything in it names its parts by their names in the same file; `apply` turns names into digests. A declaration may
stand in a file of its own, ``{file: path}``. Fields that mean the same as a manifest's are the manifest's own types.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sekisho.indexing.sources.types import Rows
from sekisho.indexing.types import ChunkerRecipe, RetrieverRecipe
from sekisho.kernel.references import Kind
from sekisho.registry.index_kinds import CorpusSource
from sekisho.registry.kinds import (
    Controls,
    Generation,
    Limits,
    Logging,
    OutputMarking,
    PromptMessage,
    Sample,
    ScorerUse,
    Tool,
)
from sekisho.registry.parts import Count, Digest, FieldName, Language, Licence, Text, Word

SCHEMA: Final = "sekisho.project/v1"
ArtifactName = Annotated[str, Meta(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$")]
RelativePath = Annotated[str, Meta(min_length=1, max_length=500)]
CommitId = Annotated[str, Meta(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the declarations."""


class FileReference(Declaration, frozen=True, kw_only=True):
    """The declaration stands in this YAML file, named from the folder of sekisho.yaml."""

    file: RelativePath


class SystemDeclaration(Declaration, frozen=True, kw_only=True):
    """What is governed, under the EU AI Act's risk classes and roles."""

    purpose: Text
    risk_class: Literal["minimal", "limited", "high", "prohibited"]
    owner: Word
    role: Literal["provider", "deployer"]
    affected_groups: tuple[Word, ...] = ()
    ai_notice: Text | UnsetType = UNSET
    output_marking: OutputMarking | UnsetType = UNSET


class PromptDeclaration(Declaration, frozen=True, kw_only=True):
    """Chat messages as templates, and a JSON Schema for each variable they use."""

    messages: Annotated[tuple[PromptMessage, ...], Meta(min_length=1, max_length=100)]
    variables: Annotated[dict[str, dict[str, Any]], Meta(max_length=100)] = {}


class CorpusPart(Declaration, frozen=True, kw_only=True):
    """What is said of every document of a source. `include` are patterns of paths in it (``*`` crosses folders).

    `rows` makes each row of the tables among them (CSV, JSON Lines, Parquet) a document.
    """

    include: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=50)] = ("*",)
    language: Language | UnsetType = UNSET
    licence: Licence | UnsetType = UNSET
    personal_data: bool | UnsetType = UNSET
    retention_days: Count | UnsetType = UNSET
    rows: Rows | UnsetType = UNSET


class CorpusFolder(CorpusPart, frozen=True, kw_only=True):
    """Files below one folder, or one file. `uri` says where they come from; their hash is put beside it."""

    path: RelativePath
    uri: Annotated[str, Meta(min_length=1, max_length=1000)] | UnsetType = UNSET


class GitSource(CorpusPart, frozen=True, kw_only=True):
    """Files under `path` of a git commit, given by its full id. `into` is the folder that they get in the corpus."""

    repository: Annotated[str, Meta(min_length=1, max_length=500)]
    commit: CommitId
    path: Annotated[str, Meta(max_length=500)] = ""
    into: RelativePath | UnsetType = UNSET


class DvcSource(CorpusPart, frozen=True, kw_only=True):
    """What the ``.dvc`` file at `path` of a git commit tracks. `cache` is DVC's cache on this machine."""

    repository: Annotated[str, Meta(min_length=1, max_length=500)]
    commit: CommitId
    path: Annotated[str, Meta(pattern=r"\.dvc$", max_length=500)]
    cache: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    into: RelativePath | UnsetType = UNSET


class LakeFSSource(CorpusPart, frozen=True, kw_only=True):
    """Objects under `path` of a lakeFS commit; the server is named in the environment, as for ``lakectl``."""

    repository: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{2,62}$")]
    commit: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    path: Annotated[str, Meta(max_length=500)] = ""
    into: RelativePath | UnsetType = UNSET


class ArchiveSource(CorpusPart, frozen=True, kw_only=True):
    """Files under `path` of a ZIP or TAR at `url`, taken only where it has this hash."""

    url: Annotated[str, Meta(pattern=r"^https?://", max_length=900)]
    sha256: Annotated[str, Meta(pattern=r"^(?:sha256:)?[0-9a-f]{64}$")]
    path: Annotated[str, Meta(max_length=500)] = ""
    into: RelativePath | UnsetType = UNSET


class CorpusDeclaration(Declaration, frozen=True, kw_only=True):
    """The documents of one or more sources, under one licence unless a source says another.

    `sources` are those that the documents came from before they came here.
    """

    licence: Licence
    folders: Annotated[tuple[CorpusFolder, ...], Meta(max_length=100)] = ()
    git: Annotated[tuple[GitSource, ...], Meta(max_length=20)] = ()
    dvc: Annotated[tuple[DvcSource, ...], Meta(max_length=20)] = ()
    lakefs: Annotated[tuple[LakeFSSource, ...], Meta(max_length=20)] = ()
    archives: Annotated[tuple[ArchiveSource, ...], Meta(max_length=20)] = ()
    language: Language | UnsetType = UNSET
    sources: Annotated[tuple[CorpusSource, ...], Meta(max_length=100)] = ()


class IndexDeclaration(Declaration, frozen=True, kw_only=True):
    """A recipe: `apply` has a worker build it, and registers the index that comes of it."""

    corpus: ArtifactName
    retriever: RetrieverRecipe
    chunker: ChunkerRecipe = ChunkerRecipe()
    embedder: Annotated[str, Meta(min_length=1, max_length=128)] = "minilm"


class ModelDeclaration(Declaration, frozen=True, kw_only=True):
    """A model, without any host. Without a `digest`, `apply` pins the one that a host has under this name now."""

    name: Word
    provider: Literal["builtin", "ollama"]
    family: Word
    licence: Licence
    digest: Digest | UnsetType = UNSET
    options: dict[str, int | bool | str] = {}


class AgentDeclaration(Declaration, frozen=True, kw_only=True):
    """A prompt, an index and a model put together, by their names, as part of a system."""

    system: ArtifactName
    prompt: ArtifactName
    index: ArtifactName
    model: ArtifactName
    limits: Limits
    context_passages: Annotated[int, Meta(ge=1, le=1000)]
    tools: Annotated[tuple[Tool, ...], Meta(max_length=200)] = ()
    generation: Generation | UnsetType = UNSET
    logging: Logging | UnsetType = UNSET


class DatasetDeclaration(Declaration, frozen=True, kw_only=True):
    """Cases as JSON Lines."""

    path: RelativePath
    licence: Licence


class SuiteDeclaration(Declaration, frozen=True, kw_only=True):
    """What to measure, on which dataset. Thresholds are policy's."""

    dataset: ArtifactName
    target: Literal["retrieval", "answers"]
    scorers: Annotated[tuple[ScorerUse, ...], Meta(min_length=1, max_length=50)]
    slices: Annotated[tuple[FieldName, ...], Meta(max_length=20)] = ()
    counterfactuals: Annotated[tuple[FieldName, ...], Meta(max_length=20)] = ()
    """Slice axes whose variants within a pair should change no score."""
    cluster_by: FieldName | UnsetType = UNSET
    sample: Sample | UnsetType = UNSET
    repeats: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    controls: Controls | UnsetType = UNSET
    model: ArtifactName | UnsetType = UNSET
    judge: ArtifactName | UnsetType = UNSET
    """The model that the scorers ``judge.*`` ask."""


DECLARATIONS: Final[dict[Kind, type[Declaration]]] = {
    # In the order of registration: what is made of others comes after them. A prompt comes first, since its
    # templates are parsed by the server alone, and nothing is registered before it is known to be good.
    Kind.PROMPT: PromptDeclaration,
    Kind.SYSTEM: SystemDeclaration,
    Kind.MODEL: ModelDeclaration,
    Kind.CORPUS: CorpusDeclaration,
    Kind.DATASET: DatasetDeclaration,
    Kind.SUITE: SuiteDeclaration,
    Kind.INDEX: IndexDeclaration,
    Kind.AGENT: AgentDeclaration,
}
NAMES: Final[dict[Kind, dict[str, Kind]]] = {
    Kind.INDEX: {"corpus": Kind.CORPUS},
    Kind.SUITE: {"dataset": Kind.DATASET, "judge": Kind.MODEL, "model": Kind.MODEL},
    Kind.AGENT: {"system": Kind.SYSTEM, "prompt": Kind.PROMPT, "index": Kind.INDEX, "model": Kind.MODEL},
}
"""Which fields of a declaration name another one, and of which kind; an optional one may be unset."""


class ProjectHead(Declaration, frozen=True, kw_only=True):
    """The fields of sekisho.yaml besides the kinds."""

    schema: Literal["sekisho.project/v1"]
    project: ArtifactName | UnsetType = UNSET


def json_schema(kind: Kind | None = None) -> dict[str, Any]:
    """JSON Schema of ``sekisho.yaml``, or of the file that one declaration of a kind may stand in."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if kind is not None:
        return {**head, "title": f"{kind} declaration of Sekisho", **msgspec.json.schema(DECLARATIONS[kind])}
    types = [ProjectHead, FileReference, *DECLARATIONS.values()]
    (project, reference, *declared), definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    root = definitions.pop(project["$ref"].rpartition("/")[2])
    kinds = {
        name.value: {
            "type": "object",
            "propertyNames": {"pattern": r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"},
            "additionalProperties": {"anyOf": [reference, schema]},
        }
        for name, schema in zip(DECLARATIONS, declared, strict=True)
    }
    properties = {**root["properties"], **kinds}
    return {**head, "title": "sekisho.yaml", **root, "properties": properties, "$defs": definitions}
