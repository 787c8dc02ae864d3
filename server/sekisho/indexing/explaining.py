"""Why a search gives what it gives: beside each hit, where vectors and terms alone would have put it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sekisho.indexing.retrieval import OpenIndex, Ranked, reads
from sekisho.indexing.types import CANDIDATES, Hit, collection_name
from sekisho.registry.index_kinds import DocumentFilter


@dataclass(frozen=True, slots=True)
class Term:
    """A term that question and chunk share, and what it adds to the BM25 score."""

    term: str
    score: float


@dataclass(frozen=True, slots=True)
class Reason:
    """How one hit came to its rank. A rank counts from 1 within that list's candidates; None: not among them.

    `dense_score` is the cosine of question and chunk; None where vectors were not asked.
    """

    dense_rank: int | None
    dense_score: float | None
    bm25_rank: int | None
    bm25_score: float | None
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """The hits of a search with a reason for each.

    `abstained`: the embedder does not read the question's script, so that only terms were asked. `depth` is how many
    candidates each list was asked for.
    """

    hits: tuple[Hit, ...]
    reasons: tuple[Reason, ...]
    abstained: bool
    depth: int

    def to_json(self) -> dict[str, Any]:
        """Scores keep nine places, so that every database holds the same text."""
        hits = [
            {**_rounded(asdict(hit)), "why": _rounded(asdict(reason))}
            for hit, reason in zip(self.hits, self.reasons, strict=True)
        ]
        return {"hits": hits, "vectors_abstained": self.abstained, "depth": self.depth}


async def explained(index: OpenIndex, query: str, k: int | None, only: DocumentFilter | None = None) -> Explained:
    """The search as it is, and then both lists by themselves, over every document. Raises as `OpenIndex.search`."""
    hits = await index.search(query, k, only)
    return await asyncio.to_thread(_explained, index, query, hits, k or index.manifest.retriever.k)


def _explained(index: OpenIndex, query: str, hits: Sequence[Hit], k: int) -> Explained:
    retriever = index.manifest.retriever
    depth = max(retriever.candidates or CANDIDATES, k) if retriever.mode == "hybrid" else k
    abstained = retriever.mode == "hybrid" and not reads(query, retriever.dense_scripts)
    dense = None if index.embedder is None or abstained else index.by_vectors(query, depth)
    terms = None if index.terms is None else index.by_terms(query, depth)
    cosines = {} if dense is None else _cosines(index, query, hits)
    matched = {} if index.terms is None else index.terms.matched(query, [index.ordinals[hit.chunk_id] for hit in hits])
    reasons = [_reason(index.ordinals[hit.chunk_id], hit, dense, terms, cosines, matched) for hit in hits]
    return Explained(tuple(hits), tuple(reasons), abstained, depth)


def _reason(
    ordinal: int,
    hit: Hit,
    dense: Ranked | None,
    terms: Ranked | None,
    cosines: Mapping[str, float],
    matched: Mapping[int, Mapping[str, float]],
) -> Reason:
    shared = sorted(matched.get(ordinal, {}).items(), key=lambda one: (-one[1], one[0]))
    return Reason(
        dense_rank=_rank(dense, ordinal),
        dense_score=cosines.get(hit.chunk_id),
        bm25_rank=_rank(terms, ordinal),
        bm25_score=None if terms is None else sum(score for _, score in shared),
        terms=tuple(Term(term, score) for term, score in shared),
    )


def _rank(ranked: Ranked | None, ordinal: int) -> int | None:
    return next((rank for rank, (place, _) in enumerate(ranked or [], 1) if place == ordinal), None)


def _cosines(index: OpenIndex, query: str, hits: Sequence[Hit]) -> dict[str, float]:
    """Also of hits that are not among the vectors' candidates."""
    import numpy as np

    assert index.embedder is not None  # noqa: S101  # the caller has looked
    question = index.queries.of(index.embedder, query).astype(np.float64)
    held = index.vectors.some(collection_name(index.digest), [hit.chunk_id for hit in hits])
    return {name: float(stored.vector.astype(np.float64) @ question) for name, stored in held.items()}


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 9)
        case dict():
            return {name: _rounded(one) for name, one in value.items()}
        case list() | tuple():
            return [_rounded(one) for one in value]
    return value
