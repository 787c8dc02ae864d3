"""Retrieval scorers: which judgements they read, and what their metrics are called."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.evaluation.scorers.catalogue import measures
from sekisho.evaluation.types import Target
from sekisho.kernel.errors import Invalid
from tests.evaluation.scorers.samples import outcome, sample, scored


def test_qrels_go_before_gold_passages() -> None:
    """A case that has both is judged by its grades."""
    both = sample(hits=["gold", "other"], gold=["gold"], qrels={"d1": 3})
    assert scored("mrr", both) == 0.5
    assert scored("mrr", sample(hits=["gold", "other"], gold=["gold"])) == 1


@pytest.mark.parametrize("name", ["recall", "precision", "hit", "ndcg", "mrr", "map"])
def test_nothing_to_find_is_no_score(name: str) -> None:
    """No gold passage, blank ones, or nothing relevant in the qrels."""
    for empty in (sample(hits=["x"]), sample(hits=["x"], gold=[" "]), sample(hits=["x"], qrels={"d0": 0})):
        assert "no gold passage" in str(scored(name, empty))
    assert scored(name, sample(hits=None, gold=["x"])) == "nothing says what was retrieved"
    assert scored(name, sample(hits=[], gold=["x"])) == 0


@pytest.mark.parametrize(
    ("use", "names"),
    [
        (("ndcg", {"k": [5, 10]}), ["ndcg@5", "ndcg@10"]),
        (("ndcg", {"k": 10, "gain": "exponential"}), ["ndcg_exp@10"]),
        (("mrr", {}), ["mrr"]),
        (("mrr", {"k": 10}), ["mrr@10"]),
        (("recall", {"k": 100}), ["recall@100"]),
    ],
)
def test_metrics_carry_their_cut_and_their_gain(use: tuple[str, dict[str, Any]], names: list[str]) -> None:
    """So that two of them are never taken for one."""
    found = measures([use], Target.RETRIEVAL)
    assert [metric for one in found for metric in one.metrics] == names
    graded = sample(hits=["a", "b"], qrels={"d0": 1, "d1": 2})
    assert [metric for one in found if one.score for metric in one.score(graded).scores] == names


def test_the_gains_differ() -> None:
    """Exponential gain punishes a late excellent document harder."""
    graded = sample(hits=["a", "b"], qrels={"d0": 1, "d1": 3})
    linear, exponential = (scored("ndcg", graded, gain=gain) for gain in ("linear", "exponential"))
    assert float(linear) > float(exponential)
    assert list(outcome("ndcg", graded).scores) == ["ndcg@10"]


@pytest.mark.parametrize("params", [{}, {"k": 0}, {"k": []}, {"k": "5"}, {"k": 5, "gain": "none"}, {"k": 1001}])
def test_wrong_parameters_are_named(params: dict[str, Any]) -> None:
    """Before the run, by place."""
    with pytest.raises(Invalid) as caught:
        measures([("ndcg", params)], Target.RETRIEVAL)
    assert caught.value.fields[0].path.startswith("$.scorers[0].params")
