"""Retrieval metrics, against trec_eval."""

from __future__ import annotations

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation import retrieval
from sekisho.evaluation.retrieval import Judged

MEASURES = {
    "recall_5": lambda j: retrieval.recall(j, 5),
    "P_5": lambda j: retrieval.precision(j, 5),
    "success_5": lambda j: retrieval.hit(j, 5),
    "ndcg_cut_10": lambda j: retrieval.ndcg(j, 10),
    "recip_rank": retrieval.reciprocal_rank,
    "map": retrieval.average_precision,
}


def trec_order(scores: dict[str, float]) -> list[str]:
    """trec_eval's order: by score, ties by document name, both descending."""
    return sorted(scores, key=lambda name: (scores[name], name), reverse=True)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from([f"d{n:02}" for n in range(20)]), st.integers(0, 5), min_size=1),
    st.sets(st.sampled_from([f"d{n:02}" for n in range(20)]), min_size=1, max_size=8),
)
def test_every_metric_equals_trec_eval(ranks: dict[str, int], relevant: set[str]) -> None:
    """To 1e-9 on rankings full of ties, with relevant documents that are not retrieved."""
    scores = {name: float(rank) for name, rank in ranks.items()}
    judged = Judged(tuple(int(name in relevant) for name in trec_order(scores)), len(relevant))
    evaluator = pytrec_eval.RelevanceEvaluator({"q": dict.fromkeys(relevant, 1)}, set(MEASURES))
    theirs = evaluator.evaluate({"q": scores})["q"]
    for name, measure in MEASURES.items():
        assert measure(judged) == pytest.approx(theirs[name], abs=1e-9), name


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 12))
def test_metrics_stay_in_range(gains: list[int], k: int) -> None:
    """Also where one chunk holds several gold passages."""
    judged = Judged(tuple(gains), max(1, sum(gains)))
    at_k = (retrieval.recall, retrieval.precision, retrieval.hit, retrieval.ndcg)
    whole = (retrieval.reciprocal_rank, retrieval.average_precision)
    for value in [measure(judged, k) for measure in at_k] + [measure(judged) for measure in whole]:
        assert 0 <= value <= 1 + 1e-12


def test_nothing_retrieved_is_a_zero() -> None:
    """The passages exist and were not found."""
    empty = retrieval.judge([], ["gold"])
    assert [measure(empty) for measure in MEASURES.values()] == [0.0] * len(MEASURES)


def test_a_passage_is_found_across_line_breaks() -> None:
    """White space is ignored on both sides, in Japanese too."""
    assert retrieval.judge(["a\n  gold\npassage here"], ["gold passage"]) == Judged((1,), 1)
    gold = "関所は、変更と本番のあいだに立つ"
    assert retrieval.judge(["関所は、変更と\n本番のあいだに立つ。"], [gold]) == Judged((1,), 1)


def test_a_repeated_passage_earns_once() -> None:
    """Overlapping chunks that hold the same passage are one find."""
    judged = retrieval.judge(["gold", "gold again", "other"], ["gold", "other"])
    assert judged == Judged((1, 0, 1), 2)
    assert retrieval.recall(judged, 2) == 0.5
