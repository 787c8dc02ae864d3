"""The head: a file of numbers that fits the code, monotone where it promises to be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation.grounding.features import LOWERS, NAMES, RAISES
from sekisho.evaluation.grounding.head import FILE, digest_of_shipped, load, pooled, shipped
from sekisho.kernel.errors import IntegrityFailed
from sekisho.kernel.trees import tree


def test_the_shipped_head_is_small_and_plain_numbers() -> None:
    """JSON under ten megabytes, with the hash of what it was trained on."""
    path = tree("evals").joinpath(*FILE)
    raw = json.loads(path.read_text("utf-8"))
    assert path.stat().st_size < 10_000_000
    assert len(raw["training"]["data_sha256"]) == 64
    assert shipped().digest == digest_of_shipped()


def test_a_head_for_other_features_is_refused(tmp_path: Path) -> None:
    """It would give numbers, and they would mean nothing."""
    raw = json.loads(tree("evals").joinpath(*FILE).read_text("utf-8"))
    raw["features"] = raw["features"][::-1]
    (tmp_path / "head.json").write_text(json.dumps(raw))
    with pytest.raises(IntegrityFailed, match=r"head\.json"):
        load(tmp_path / "head.json")


def test_the_digest_follows_the_weights_not_the_note(tmp_path: Path) -> None:
    """Another weight is another scorer."""
    raw = json.loads(tree("evals").joinpath(*FILE).read_text("utf-8"))
    raw["training"]["data"] = "elsewhere.jsonl"
    (tmp_path / "a.json").write_text(json.dumps(raw))
    raw["answer"]["bias"] += 0.5
    (tmp_path / "b.json").write_text(json.dumps(raw))
    assert load(tmp_path / "a.json").digest == shipped().digest != load(tmp_path / "b.json").digest


@given(
    st.sampled_from(sorted(RAISES | LOWERS)),
    st.lists(st.floats(0, 3), min_size=len(NAMES), max_size=len(NAMES)),
    st.floats(0.01, 5),
)
@settings(deadline=None, max_examples=100)
def test_the_trees_are_monotone_where_they_promise(name: str, values: list[float], more: float) -> None:
    """More missing numbers never lower the boosted logit, more coverage never raises it."""
    row = np.array([values, values])
    row[1, NAMES.index(name)] += more
    logits, _ = shipped().trees.walk(row)
    assert (logits[1] - logits[0]) * (1 if name in RAISES else -1) >= -1e-9


def test_what_moved_a_row_adds_up_to_its_logit() -> None:
    """The explanation accounts for the whole way from the base to the leaf."""
    rows = np.random.default_rng(1).uniform(0, 2, (20, len(NAMES)))
    trees = shipped().trees
    logits, moved = trees.walk(rows)
    roots = trees.base + trees.value[:, 0].sum()
    np.testing.assert_allclose(roots + moved.sum(axis=1), logits, atol=1e-6)


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=30), st.floats(0.1, 5))
def test_a_worse_sentence_never_makes_an_answer_look_better(logits: list[float], worse: float) -> None:
    """What the answer's stage sees of its sentences rises with the most doubtful of them."""
    before = pooled(np.array(logits))
    after = pooled(np.array([max(logits) + worse, *sorted(logits)[:-1]]))
    assert all(b <= a + 1e-9 for b, a in zip(before, after, strict=True))
