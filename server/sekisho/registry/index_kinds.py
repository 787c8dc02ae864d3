"""The manifests of what is searched: a corpus, and an index built of it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from sekisho.kernel.references import Kind
from sekisho.registry.parts import Count, Digest, Language, Licence, Manifest, Name, Part, Size
from sekisho.registry.types import Dependency, Source


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
