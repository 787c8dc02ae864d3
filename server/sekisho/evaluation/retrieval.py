"""Retrieval metrics over gold passages, equal to trec_eval's where each relevant chunk holds one gold passage.

A ranking is judged in the order given. `Judged.gains[i]` is how many gold passages the chunk at rank i+1 holds that no
better-ranked chunk held: overlapping chunks that repeat a passage earn nothing twice. Nothing retrieved is a 0, since
the passages exist; no gold passage at all is the caller's `Unscored`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Judged:
    """Gains by rank, and the number of gold passages there were to find (at least one)."""

    gains: tuple[int, ...]
    golds: int


def judge(texts: Sequence[str], gold: Sequence[str]) -> Judged:
    """Which retrieved texts hold which gold passages; white space is ignored, since Japanese lines wrap anywhere."""
    wanted = {_SPACE.sub("", passage) for passage in gold} - {""}
    golds, gains = len(wanted), []
    for text in texts:
        bare = _SPACE.sub("", text)
        found = {passage for passage in wanted if passage in bare}
        gains.append(len(found))
        wanted -= found
    return Judged(tuple(gains), golds)


def recall(judged: Judged, k: int) -> float:
    """Share of the gold passages that stand in the first k chunks."""
    return sum(judged.gains[:k]) / judged.golds


def precision(judged: Judged, k: int) -> float:
    """Share of the first k places that hold a gold passage; places left empty count as misses."""
    return sum(gain > 0 for gain in judged.gains[:k]) / k


def hit(judged: Judged, k: int) -> float:
    """1 where any of the first k chunks holds a gold passage (trec_eval's success_k)."""
    return float(any(judged.gains[:k]))


def reciprocal_rank(judged: Judged) -> float:
    """1 / rank of the first chunk with a gold passage; 0 where there is none."""
    return next((1 / rank for rank, gain in enumerate(judged.gains, 1) if gain), 0.0)


def average_precision(judged: Judged) -> float:
    """Mean over the gold passages of the precision at the rank where each was found, 0 for those never found."""
    total, relevant = 0.0, 0
    for rank, gain in enumerate(judged.gains, 1):
        relevant += gain > 0
        total += gain * relevant / rank
    return total / judged.golds


def ndcg(judged: Judged, k: int) -> float:
    """Normalised discounted cumulative gain at k with linear gain and discount log2(rank + 1).

    The ideal ranking has one gold passage per place (Järvelin and Kekäläinen 2002; trec_eval's ndcg_cut). A chunk that
    holds several can beat it; the value is then 1.
    """
    gained = math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(judged.gains[:k], 1))
    ideal = math.fsum(1 / math.log2(rank + 1) for rank in range(1, min(judged.golds, k) + 1))
    return min(1.0, gained / ideal)
