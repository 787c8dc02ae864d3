"""The shipped head on answers that people have labelled and that it was not trained on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from benchmarks.grounding import auroc

from sekisho.evaluation.grounding import ground

np = pytest.importorskip("numpy")

_BESIDE = Path(__file__).parents[4] / "shared" / "data"
_FOLDER = Path(os.environ.get("SEKISHO_BENCHMARK_DATA", _BESIDE)) / "grounding"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("begin", 0.88), ("wice", 0.75)])
def test_the_head_orders_answers_that_it_never_saw(name: str, least: float) -> None:
    """Well above chance, on every third row of data of another kind."""
    path = _FOLDER / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in ../shared/data, nor where SEKISHO_BENCHMARK_DATA says")
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()][::3]
    doubts = [ground(row["response"], row["context"], row["question"]).probability for row in rows]
    assert auroc(np.array([row["hallucinated"] for row in rows]), np.array(doubts)) > least
