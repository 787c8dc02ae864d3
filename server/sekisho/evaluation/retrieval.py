"""Retrieval metrics over gold passages or graded judgements (qrels), equal to trec_eval's.

A ranking is judged in the order given; ties are the index's to break, and nothing here reorders. `Judged.ranks[i]`
holds the grades of what the place i + 1 brings for the first time: a chunk may hold several gold passages, and what a
better-ranked chunk held earns nothing twice. Nothing retrieved is a 0, since there was something to find; nothing to
find at all is the caller's `Unscored`. Over gold passages the metrics equal trec_eval's where each relevant chunk
holds one passage; over qrels always.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sekisho.evaluation.types import Hit

Gain = Literal["linear", "exponential"]

_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Judged:
    """The grades found at each place, and the grades of everything there was to find (at least one), best first."""

    ranks: tuple[tuple[int, ...], ...]
    relevant: tuple[int, ...]


def judge(texts: Sequence[str], gold: Sequence[str]) -> Judged:
    """Which retrieved texts hold which gold passages, each of grade 1.

    White space is ignored, since Japanese lines wrap anywhere.
    """
    wanted = {_SPACE.sub("", passage) for passage in gold} - {""}
    golds, ranks = len(wanted), []
    for text in texts:
        bare = _SPACE.sub("", text)
        found = {passage for passage in wanted if passage in bare}
        ranks.append((1,) * len(found))
        wanted -= found
    return Judged(tuple(ranks), (1,) * golds)


def judge_by_qrels(hits: Sequence[Hit], qrels: Mapping[str, int]) -> Judged:
    """Grades by document or chunk id; grade 0 is judged and not relevant, what is not judged counts as 0.

    Where any retrieved chunk is judged by its own id, places are chunks. Else places are documents, each at its best
    chunk's place among the documents: further chunks of one document take no place.
    """
    by_chunk = any(hit.chunk_id in qrels for hit in hits)
    names = dict.fromkeys(hit.chunk_id if by_chunk else hit.document for hit in hits)
    grades = [qrels.get(name, 0) for name in names]
    return Judged(
        tuple((grade,) if grade > 0 else () for grade in grades),
        tuple(sorted((grade for grade in qrels.values() if grade > 0), reverse=True)),
    )


def recall(judged: Judged, k: int) -> float:
    """Share of what is relevant that stands in the first k places."""
    return sum(len(found) for found in judged.ranks[:k]) / len(judged.relevant)


def precision(judged: Judged, k: int) -> float:
    """Share of the first k places that bring something relevant; places left empty count as misses."""
    return sum(bool(found) for found in judged.ranks[:k]) / k


def hit(judged: Judged, k: int) -> float:
    """1 where any of the first k places brings something relevant (trec_eval's success_k)."""
    return float(any(judged.ranks[:k]))


def reciprocal_rank(judged: Judged, k: int | None = None) -> float:
    """1 / rank of the first relevant place, among the first k where k is given; 0 where there is none."""
    return next((1 / rank for rank, found in enumerate(judged.ranks[:k], 1) if found), 0.0)


def average_precision(judged: Judged) -> float:
    """Mean over what is relevant of the precision at the rank where each was found, 0 for those never found."""
    total, relevant = 0.0, 0
    for rank, found in enumerate(judged.ranks, 1):
        relevant += bool(found)
        total += len(found) * relevant / rank
    return total / len(judged.relevant)


def ndcg(judged: Judged, k: int, gain: Gain = "linear") -> float:
    """Normalised discounted cumulative gain at k, discount log2(rank + 1).

    Linear gain is the grade itself (Järvelin and Kekäläinen 2002; trec_eval's ndcg_cut), exponential gain
    2^grade - 1 (Burges et al. 2005). The ideal ranking has one relevant thing per place, the best first. A chunk that
    holds several gold passages can beat it; the value is then 1.
    """
    gained = math.fsum(
        _gain(grade, gain) / math.log2(rank + 1) for rank, found in enumerate(judged.ranks[:k], 1) for grade in found
    )
    ideal = math.fsum(_gain(grade, gain) / math.log2(rank + 1) for rank, grade in enumerate(judged.relevant[:k], 1))
    return min(1.0, gained / ideal)


def _gain(grade: int, gain: Gain) -> float:
    return float(grade) if gain == "linear" else 2.0**grade - 1
