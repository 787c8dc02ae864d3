"""Retrieval scorers: what stands among the first places, against the case's gold passages or its graded judgements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta

from sekisho.evaluation import retrieval
from sekisho.evaluation.scorers.declaration import Measure, NoParams, Outcome, Params, Scorer, plain
from sekisho.evaluation.types import Hit, Sample, Scored, Target, Unscored

MAX_K: Final = 1000
MAX_CUTS: Final = 10
NOTHING_TO_FIND: Final = "the case names no gold passage, and nothing that is relevant in its qrels"
NOT_RETRIEVED: Final = "nothing says what was retrieved"
Cut = Annotated[int, Meta(ge=1, le=MAX_K)]
Cuts = Cut | Annotated[tuple[Cut, ...], Meta(min_length=1, max_length=MAX_CUTS)]


class CutParams(Params, frozen=True, kw_only=True):
    """``k``: how many of the first places count; a list gives one metric per cut."""

    k: Cuts


class GainParams(CutParams, frozen=True, kw_only=True):
    """``k``: how many of the first places count; a list gives one metric per cut.

    ``gain``: what a grade is worth, ``linear`` the grade itself, ``exponential`` 2^grade - 1 (metric ``ndcg_exp@k``).
    """

    gain: retrieval.Gain = "linear"


class WholeOrCutParams(Params, frozen=True, kw_only=True):
    """``k``: how many of the first places count; left out, all that was retrieved."""

    k: Cuts | None = None


def _ranked(metric: str, value: Callable[[retrieval.Judged], float], sample: Sample) -> Outcome:
    if sample.hits is None:
        return Outcome({metric: Unscored(NOT_RETRIEVED)}, {})
    judged = _judged(sample, sample.hits)
    if not judged.relevant:
        return Outcome({metric: Unscored(NOTHING_TO_FIND)}, {})
    return Outcome({metric: Scored(value(judged))}, {})


def _judged(sample: Sample, hits: Sequence[Hit]) -> retrieval.Judged:
    """By qrels where the case has any, else by gold passages."""
    if sample.case.qrels:
        return retrieval.judge_by_qrels(hits, sample.case.qrels)
    return retrieval.judge([hit.text for hit in hits], sample.case.gold)


def recall(sample: Sample, k: int) -> Outcome:
    return _ranked(f"recall@{k}", partial(retrieval.recall, k=k), sample)


def precision(sample: Sample, k: int) -> Outcome:
    return _ranked(f"precision@{k}", partial(retrieval.precision, k=k), sample)


def hit(sample: Sample, k: int) -> Outcome:
    return _ranked(f"hit@{k}", partial(retrieval.hit, k=k), sample)


def ndcg(sample: Sample, k: int) -> Outcome:
    return _ranked(f"ndcg@{k}", partial(retrieval.ndcg, k=k), sample)


def ndcg_exponential(sample: Sample, k: int) -> Outcome:
    return _ranked(f"ndcg_exp@{k}", partial(retrieval.ndcg, k=k, gain="exponential"), sample)


def mrr(sample: Sample) -> Outcome:
    return _ranked("mrr", retrieval.reciprocal_rank, sample)


def mrr_cut(sample: Sample, k: int) -> Outcome:
    return _ranked(f"mrr@{k}", partial(retrieval.reciprocal_rank, k=k), sample)


def average_precision(sample: Sample) -> Outcome:
    return _ranked("map", retrieval.average_precision, sample)


def _at(scorer: Scorer, metric: str, score: Callable[..., Outcome], cuts: Cuts) -> tuple[Measure, ...]:
    ks = (cuts,) if isinstance(cuts, int) else cuts
    return tuple(Measure(scorer, (f"{metric}@{k}",), partial(score, k=k), depth=k) for k in ks)


def _cut(score: Callable[..., Outcome]) -> Callable[[Scorer, CutParams], tuple[Measure, ...]]:
    return lambda scorer, params: _at(scorer, scorer.name, score, params.k)


def _ndcg_measures(scorer: Scorer, params: GainParams) -> tuple[Measure, ...]:
    if params.gain == "exponential":
        return _at(scorer, "ndcg_exp", ndcg_exponential, params.k)
    return _at(scorer, "ndcg", ndcg, params.k)


def _mrr_measures(scorer: Scorer, params: WholeOrCutParams) -> tuple[Measure, ...]:
    if params.k is None:
        return (Measure(scorer, ("mrr",), mrr),)
    return _at(scorer, "mrr", mrr_cut, params.k)


def _scorer(
    name: str,
    meaning: str,
    measures: Callable[[Scorer, Any], tuple[Measure, ...]],
    params: type[Params],
    metrics: tuple[str, ...],
) -> Scorer:
    return Scorer(
        name=name,
        meaning=meaning,
        target=Target.RETRIEVAL,
        reads=("hits", "gold", "qrels"),
        unscored=f"{NOT_RETRIEVED}, or {NOTHING_TO_FIND}",
        metrics=metrics,
        measures=measures,
        params=params,
    )


SCORERS: Final = (
    _scorer("recall", "share of what is relevant that stands in the first k places",
            _cut(recall), CutParams, ("recall@k",)),
    _scorer("precision", "share of the first k places that bring something relevant; an empty place is a miss",
            _cut(precision), CutParams, ("precision@k",)),
    _scorer("hit", "whether any of the first k places brings something relevant",
            _cut(hit), CutParams, ("hit@k",)),
    _scorer("ndcg", "discounted cumulative gain at k over the ideal ranking's, with linear or exponential gain",
            _ndcg_measures, GainParams, ("ndcg@k", "ndcg_exp@k")),
    _scorer("mrr", "one over the rank of the first relevant place; with k, 0 where it stands further back",
            _mrr_measures, WholeOrCutParams, ("mrr", "mrr@k")),
    _scorer("map", "average precision over everything that is relevant",
            plain(average_precision), NoParams, ("map",)),
)  # fmt: skip
