"""Retrieval metrics, against trec_eval."""

from __future__ import annotations

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation import retrieval
from sekisho.evaluation.retrieval import Judged
from sekisho.evaluation.types import Hit

MEASURES = {
    "recall_5": lambda j: retrieval.recall(j, 5),
    "P_5": lambda j: retrieval.precision(j, 5),
    "success_5": lambda j: retrieval.hit(j, 5),
    "ndcg_cut_10": lambda j: retrieval.ndcg(j, 10),
    "recip_rank": retrieval.reciprocal_rank,
    "map": retrieval.average_precision,
}
DOCUMENTS = st.sampled_from([f"d{n:02}" for n in range(20)])
RANKINGS = st.dictionaries(DOCUMENTS, st.integers(0, 5))
QRELS = st.dictionaries(DOCUMENTS, st.integers(0, 4), min_size=1, max_size=12).filter(lambda q: any(q.values()))


def trec_order(scores: dict[str, float]) -> list[str]:
    """trec_eval's order: by score, ties by document name, both descending."""
    return sorted(scores, key=lambda name: (scores[name], name), reverse=True)


def ranked(ranks: dict[str, int]) -> tuple[dict[str, float], list[Hit]]:
    scores = {name: float(rank) for name, rank in ranks.items()}
    return scores, [Hit(f"chunk-{name}", name, "") for name in trec_order(scores)]


def trec(qrels: dict[str, int], scores: dict[str, float], measures: set[str]) -> dict[str, float]:
    """trec_eval's values; a query for which nothing was retrieved is left out by it, and is a 0 here."""
    found = pytrec_eval.RelevanceEvaluator({"q": qrels}, measures).evaluate({"q": scores})
    values: dict[str, float] = found.get("q") or dict.fromkeys(measures, 0.0)
    return values


@settings(max_examples=150, deadline=None)
@given(RANKINGS.filter(bool), st.sets(DOCUMENTS, min_size=1, max_size=8))
def test_every_metric_over_gold_equals_trec_eval(ranks: dict[str, int], relevant: set[str]) -> None:
    """To 1e-9 on rankings full of ties, with relevant documents that are not retrieved."""
    scores, hits = ranked(ranks)
    judged = Judged(tuple((1,) if hit.document in relevant else () for hit in hits), (1,) * len(relevant))
    theirs = trec(dict.fromkeys(relevant, 1), scores, set(MEASURES))
    for name, measure in MEASURES.items():
        assert measure(judged) == pytest.approx(theirs[name], abs=1e-9), name


@settings(max_examples=200, deadline=None)
@given(RANKINGS, QRELS)
def test_every_metric_over_qrels_equals_trec_eval(ranks: dict[str, int], qrels: dict[str, int]) -> None:
    """To 1e-9 with grades of 0 to 4, ties, unjudged documents, and nothing retrieved at all."""
    scores, hits = ranked(ranks)
    judged = retrieval.judge_by_qrels(hits, qrels)
    theirs = trec(qrels, scores, set(MEASURES))
    for name, measure in MEASURES.items():
        assert measure(judged) == pytest.approx(theirs[name], abs=1e-9), name


@settings(max_examples=100, deadline=None)
@given(RANKINGS, QRELS, st.sampled_from([5, 10, 15]))
def test_exponential_gain_is_trec_evals_over_raised_grades(
    ranks: dict[str, int], qrels: dict[str, int], k: int
) -> None:
    """trec_eval has no exponential gain; over grades of 2^grade - 1 its linear one is the same."""
    scores, hits = ranked(ranks)
    ours = retrieval.ndcg(retrieval.judge_by_qrels(hits, qrels), k, "exponential")
    raised = {name: 2**grade - 1 for name, grade in qrels.items()}
    assert ours == pytest.approx(trec(raised, scores, {f"ndcg_cut_{k}"})[f"ndcg_cut_{k}"], abs=1e-9)


@given(st.lists(st.lists(st.integers(1, 9), max_size=3), max_size=12), st.integers(1, 12))
def test_metrics_stay_in_range(ranks: list[list[int]], k: int) -> None:
    """Also where one chunk holds several gold passages."""
    grades = sorted((grade for found in ranks for grade in found), reverse=True) or [1]
    judged = Judged(tuple(tuple(found) for found in ranks), tuple(grades))
    at_k = (retrieval.recall, retrieval.precision, retrieval.hit, retrieval.ndcg, retrieval.reciprocal_rank)
    values = [measure(judged, k) for measure in at_k]
    values += [retrieval.ndcg(judged, k, "exponential"), retrieval.average_precision(judged)]
    for value in values:
        assert 0 <= value <= 1 + 1e-12


def test_nothing_retrieved_is_a_zero() -> None:
    """The passages exist and were not found."""
    for empty in (retrieval.judge([], ["gold"]), retrieval.judge_by_qrels([], {"d1": 2})):
        assert [measure(empty) for measure in MEASURES.values()] == [0.0] * len(MEASURES)


def test_a_passage_is_found_across_line_breaks() -> None:
    """White space is ignored on both sides, in Japanese too."""
    assert retrieval.judge(["a\n  gold\npassage here"], ["gold passage"]) == Judged(((1,),), (1,))
    gold = "関所は、変更と本番のあいだに立つ"
    assert retrieval.judge(["関所は、変更と\n本番のあいだに立つ。"], [gold]) == Judged(((1,),), (1,))


def test_a_repeated_passage_earns_once() -> None:
    """Overlapping chunks that hold the same passage are one find."""
    judged = retrieval.judge(["gold", "gold again", "other"], ["gold", "other"])
    assert judged == Judged(((1,), (), (1,)), (1, 1))
    assert retrieval.recall(judged, 2) == 0.5


def test_documents_take_one_place_each() -> None:
    """Qrels of documents judge the ranking of documents: further chunks of one take no place."""
    hits = [Hit("c1", "a.md", ""), Hit("c2", "a.md", ""), Hit("c3", "b.md", "")]
    judged = retrieval.judge_by_qrels(hits, {"b.md": 3, "c.md": 1, "a.md": 0})
    assert judged == Judged(((), (3,)), (3, 1))
    assert retrieval.reciprocal_rank(judged) == 0.5


def test_chunks_are_judged_by_their_own_ids() -> None:
    """Qrels of chunks judge the ranking of chunks."""
    hits = [Hit("c1", "a.md", ""), Hit("c2", "a.md", ""), Hit("c3", "b.md", "")]
    assert retrieval.judge_by_qrels(hits, {"c3": 2}) == Judged(((), (), (2,)), (2,))


def test_a_cut_reciprocal_rank_looks_no_further() -> None:
    """mrr@k is 0 where the first relevant place stands behind k."""
    judged = Judged(((), (), (1,)), (1,))
    assert (retrieval.reciprocal_rank(judged, 2), retrieval.reciprocal_rank(judged, 3)) == (0.0, 1 / 3)
