"""Retrieval scorers: what stands among the first chunks, against the case's gold passages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta

from sekisho.evaluation import retrieval
from sekisho.evaluation.scorers.declaration import Measure, NoParams, Outcome, Params, Scorer, plain
from sekisho.evaluation.types import Sample, Scored, Target, Unscored

MAX_K: Final = 1000
MAX_CUTS: Final = 10
Cut = Annotated[int, Meta(ge=1, le=MAX_K)]


class Cuts(Params, frozen=True, kw_only=True):
    """``k``: how many of the first chunks count; a list gives one metric per cut."""

    k: Cut | Annotated[tuple[Cut, ...], Meta(min_length=1, max_length=MAX_CUTS)]

    @property
    def all(self) -> tuple[int, ...]:
        return (self.k,) if isinstance(self.k, int) else self.k


def _ranked(metric: str, value: Callable[[retrieval.Judged], float], sample: Sample) -> Outcome:
    golds = [passage for passage in sample.case.gold if passage.strip()]
    if not golds:
        return Outcome({metric: Unscored("the case names no gold passage")}, {})
    return Outcome({metric: Scored(value(retrieval.judge([hit.text for hit in sample.hits or ()], golds)))}, {})


def recall(sample: Sample, k: int) -> Outcome:
    return _ranked(f"recall@{k}", partial(retrieval.recall, k=k), sample)


def precision(sample: Sample, k: int) -> Outcome:
    return _ranked(f"precision@{k}", partial(retrieval.precision, k=k), sample)


def hit(sample: Sample, k: int) -> Outcome:
    return _ranked(f"hit@{k}", partial(retrieval.hit, k=k), sample)


def ndcg(sample: Sample, k: int) -> Outcome:
    return _ranked(f"ndcg@{k}", partial(retrieval.ndcg, k=k), sample)


def mrr(sample: Sample) -> Outcome:
    return _ranked("mrr", retrieval.reciprocal_rank, sample)


def average_precision(sample: Sample) -> Outcome:
    return _ranked("map", retrieval.average_precision, sample)


def _cut(score: Callable[..., Outcome]) -> Callable[[Scorer, Cuts], tuple[Measure, ...]]:
    def measures(scorer: Scorer, params: Cuts) -> tuple[Measure, ...]:
        name = scorer.metrics[0].removesuffix("@k")
        return tuple(Measure(scorer, (f"{name}@{k}",), partial(score, k=k), depth=k) for k in params.all)

    return measures


def _scorer(
    name: str, meaning: str, measures: Callable[[Scorer, Any], tuple[Measure, ...]], *, takes_k: bool
) -> Scorer:
    return Scorer(
        name=name,
        meaning=meaning,
        target=Target.RETRIEVAL,
        reads=("hits", "gold"),
        unscored="the case names no gold passage",
        metrics=(f"{name}@k",) if takes_k else (name,),
        measures=measures,
        params=Cuts if takes_k else NoParams,
    )


SCORERS: Final = (
    _scorer("recall", "share of the gold passages among the first k chunks", _cut(recall), takes_k=True),
    _scorer("precision", "share of the first k places that hold a gold passage", _cut(precision), takes_k=True),
    _scorer("hit", "whether any of the first k chunks holds a gold passage", _cut(hit), takes_k=True),
    _scorer("ndcg", "discounted cumulative gain at k over the ideal's, linear gain", _cut(ndcg), takes_k=True),
    _scorer("mrr", "one over the rank of the first chunk with a gold passage", plain(mrr), takes_k=False),
    _scorer("map", "average precision over the gold passages", plain(average_precision), takes_k=False),
)
