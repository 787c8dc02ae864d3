"""Searching one index: by vectors, by terms, or by both with their ranks or scores fused."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sekisho.indexing.terms import TermIndex
from sekisho.indexing.types import CANDIDATES, RRF_K, Fingerprint, Hit, collection_name
from sekisho.indexing.vectors import Stored, VectorStore
from sekisho.inference.text import has_cjk
from sekisho.inference.types import Embedder, Reranker
from sekisho.kernel.errors import FieldError, IntegrityFailed, Invalid
from sekisho.registry.index_kinds import DocumentFilter
from sekisho.registry.manifests import CorpusManifest, IndexManifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_REMEMBERED: Final = 4096
_DEEPER: Final = 4

Ranked = list[tuple[int, float]]
"""Ordinals of chunks with their scores, best first."""


@dataclass(frozen=True)
class QueryVectors:
    """Vectors of the questions asked last: suites ask the same ones of every index."""

    _known: OrderedDict[tuple[str, str], NDArray[np.float32]] = field(default_factory=OrderedDict)

    def of(self, embedder: Embedder, query: str) -> NDArray[np.float32]:
        key = (embedder.digest, query)
        vector = self._known.pop(key, None)
        if vector is None:
            vector = embedder.embed_queries([query])[0]
        self._known[key] = vector
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return vector

    def learn(self, embedder: Embedder, queries: Sequence[str]) -> None:
        """Embed many questions at once, which is faster than one by one; the last ones are remembered."""
        fresh = list(dict.fromkeys(queries))[-_REMEMBERED:]
        for query, vector in zip(fresh, embedder.embed_queries(fresh), strict=True):
            self._known[embedder.digest, query] = vector
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Dated:
    """The licence of a document, and when it was last changed (epoch milliseconds; None where nobody says)."""

    licence: str | None
    time: int | None


_UNKNOWN: Final = Dated(None, None)


def dated(corpus: CorpusManifest) -> dict[str, Dated]:
    """Every document of a corpus, by path; its licence is the corpus's where it has none of its own."""
    return {file.path: Dated(file.licence or corpus.licence, file.time) for file in corpus.files}


@dataclass(frozen=True)
class OpenIndex:
    """One index, ready to search. `chunks` is the build record, by ordinal; what the store gives is checked by it.

    `dated` has what filters ask of documents, from the pinned corpus and not from the store.
    """

    digest: str
    manifest: IndexManifest
    chunks: Sequence[Fingerprint]
    ordinals: Mapping[str, int]
    vectors: VectorStore
    embedder: Embedder | None
    terms: TermIndex | None
    queries: QueryVectors
    reranker: Reranker | None = None
    dated: Mapping[str, Dated] = field(default_factory=dict)
    chosen: dict[DocumentFilter, frozenset[int]] = field(default_factory=dict, repr=False, compare=False)
    """What the filters that were asked for let through."""

    async def search(self, query: str, k: int | None = None, only: DocumentFilter | None = None) -> list[Hit]:
        """The k best chunks (the manifest's k unless said), best first; equal scores in the order of the corpus.

        `only` limits it further than the manifest's own filter does.

        Raises `Invalid` for an empty query, `ModelFailed`, and `IntegrityFailed` where a chunk was altered.
        """
        if not query.strip():
            raise Invalid("the query is empty", fields=[FieldError("$.query", "ask something")])
        wanted = k if k is not None else self.manifest.retriever.k
        if wanted < 1:
            raise Invalid("nothing is asked for", fields=[FieldError("$.k", "must be at least 1")])
        return await asyncio.to_thread(self._search, query, wanted, only)

    def _search(self, query: str, k: int, only: DocumentFilter | None) -> list[Hit]:
        pin = self.manifest.retriever.reranker
        allowed = self._allowed(only)
        depth = k if pin is None else max(pin.candidates, k)
        if allowed is None and self.manifest.retriever.mode == "dense":
            hits = self._nearest(query, depth)
        else:
            ranked = self._ranked(query, depth, allowed)
            hits = self._hits(ranked, self._held(ranked))
        return hits if pin is None else self._reranked(query, hits)[:k]

    def _ranked(self, query: str, k: int, allowed: frozenset[int] | None) -> Ranked:
        retriever = self.manifest.retriever
        match retriever.mode:
            case "dense":
                return self._within(allowed, lambda depth: self.by_vectors(query, depth), k)
            case "bm25":
                return self._within(allowed, lambda depth: self.by_terms(query, depth), k)
            case "hybrid":
                deep = max(retriever.candidates or CANDIDATES, k)
                terms = self._within(allowed, lambda depth: self.by_terms(query, depth), deep)
                dense: Ranked = []
                if reads(query, retriever.dense_scripts):
                    dense = self._within(allowed, lambda depth: self.by_vectors(query, depth), deep)
                if retriever.dense_weight is not None:
                    return weighed(terms, dense, retriever.dense_weight)[:k]
                return fused([terms, dense], retriever.rrf_k or RRF_K)[:k]

    def _within(self, allowed: frozenset[int] | None, ranking: Callable[[int], Ranked], k: int) -> Ranked:
        """The k best of those allowed: the ranking is asked for more and more, until there are k or all were seen."""
        if allowed is None:
            return ranking(k)
        depth = min(len(self.chunks), k * _DEEPER) if allowed else 0
        while depth:
            ranked = ranking(depth)
            found = [one for one in ranked if one[0] in allowed]
            if len(found) >= k or len(ranked) < depth or depth == len(self.chunks):
                return found[:k]
            depth = min(len(self.chunks), depth * _DEEPER)
        return []

    def _allowed(self, only: DocumentFilter | None) -> frozenset[int] | None:
        """Ordinals of what the manifest's filter and this one let through; None where neither is there."""
        sets = [self._of(one) for one in (self.manifest.retriever.filter, only) if one is not None]
        return frozenset.intersection(*sets) if sets else None

    def _of(self, chosen: DocumentFilter) -> frozenset[int]:
        if chosen not in self.chosen:
            labels = self.vectors.documents(collection_name(self.digest))
            fits = frozenset(
                self._place(name)
                for name, (path, language) in labels.items()
                if chooses(chosen, path, language, self.dated.get(path, _UNKNOWN))
            )
            self.chosen[chosen] = fits
        return self.chosen[chosen]

    def _reranked(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        assert self.reranker is not None  # noqa: S101  # `open` gives one to every index that names one
        scores = self.reranker.score(query, [hit.text for hit in hits]) if hits else []
        order = sorted(zip(scores, hits, strict=True), key=lambda one: (-one[0], one[1].rank))
        return [replace(hit, score=score, rank=rank) for rank, (score, hit) in enumerate(order, 1)]

    def _nearest(self, query: str, k: int) -> list[Hit]:
        """Hits by vectors alone, whose order and texts come with one answer of the store."""
        found = self.vectors.nearest_whole(collection_name(self.digest), self._question(query), k)
        held = {stored.id: stored for stored, _ in found}
        return self._hits(self._placed([(stored.id, score) for stored, score in found]), held)

    def by_vectors(self, query: str, k: int) -> Ranked:
        """By inner product alone; equal scores in the order of the corpus. Blocks, as `by_terms` does."""
        return self._placed(self.vectors.nearest(collection_name(self.digest), self._question(query), k))

    def _question(self, query: str) -> NDArray[np.float32]:
        assert self.embedder is not None  # noqa: S101  # `open` gives one to every index that needs it
        return self.queries.of(self.embedder, query)

    def _placed(self, found: Sequence[tuple[str, float]]) -> Ranked:
        placed = [(self._place(chunk_id), score) for chunk_id, score in found]
        return sorted(placed, key=lambda one: (-one[1], one[0]))

    def by_terms(self, query: str, k: int) -> Ranked:
        """By BM25 alone; none that shares no term with the query."""
        assert self.terms is not None  # noqa: S101  # as above
        return self.terms.best(query, k)

    def _place(self, chunk_id: str) -> int:
        if chunk_id not in self.ordinals:
            raise _altered(self.digest, chunk_id)
        return self.ordinals[chunk_id]

    def _held(self, ranked: Ranked) -> Mapping[str, Stored]:
        names = [self.chunks[ordinal].chunk_id for ordinal, _ in ranked]
        return self.vectors.some(collection_name(self.digest), names)

    def _hits(self, ranked: Ranked, held: Mapping[str, Stored]) -> list[Hit]:
        expected = [self.chunks[ordinal] for ordinal, _ in ranked]
        hits = []
        for rank, (one, (_, score)) in enumerate(zip(expected, ranked, strict=True), 1):
            stored = held.get(one.chunk_id)
            if stored is None or stored.hash != one.chunk_hash:
                raise _altered(self.digest, one.chunk_id)
            hits.append(Hit(stored.id, stored.document, stored.heading, stored.text, score, rank))
        return hits


def chooses(chosen: DocumentFilter, path: str, language: str, dated: Dated) -> bool:
    """Whether a document is one that the filter lets through."""
    if chosen.since is not None or chosen.until is not None:
        if dated.time is None or dated.time < (chosen.since or 0):
            return False
        if chosen.until is not None and dated.time > chosen.until:
            return False
    return (
        path.startswith(chosen.path_prefix or "")
        and (chosen.languages is None or language in chosen.languages)
        and (chosen.licences is None or dated.licence in chosen.licences)
    )


def reads(query: str, scripts: Sequence[str] | None) -> bool:
    """Whether an embedder that reads these scripts (None: every one) reads the query."""
    return scripts is None or ("cjk" if has_cjk(query) else "latin") in scripts


def fused(rankings: Sequence[Ranked], rrf_k: int) -> Ranked:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): the sum of 1 / (rrf_k + rank)."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, (ordinal, _) in enumerate(ranking, 1):
            scores[ordinal] = scores.get(ordinal, 0.0) + 1 / (rrf_k + rank)
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))


def weighed(terms: Ranked, dense: Ranked, dense_weight: int) -> Ranked:
    """The convex combination of both scores, each list's brought to 0 to 1; `dense_weight` in percent.

    BM25's over its best, since 0 is its least; the cosines over what lies between the last candidate's and the best's.
    Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", ACM TOIS 2023.
    """
    least = dense[-1][1] if dense else 0.0
    scores: dict[int, float] = {}
    for ranked, floor, weight in ((terms, 0.0, 100 - dense_weight), (dense, least, dense_weight)):
        span = ranked[0][1] - floor if ranked else 0.0
        for ordinal, score in ranked:
            share = (score - floor) / span if span > 0 else 1.0
            scores[ordinal] = scores.get(ordinal, 0.0) + weight * share / 100
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))


def _altered(digest: str, chunk_id: str) -> IntegrityFailed:
    return IntegrityFailed(
        f"the vector store's chunk {chunk_id} is not the one that index {digest} was built with",
        remedy="`sekisho index verify` names every drifted chunk; build the index again to mend it",
    )
