"""Datasets as cases, and samples of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation.cases import cluster_of, parse_cases, sample
from sekisho.kernel.errors import Invalid
from tests.evaluation.fakes import rows


def jsonl(*items: object) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (jsonl({"id": "a", "question": "?"}, {"id": "a", "question": "?"}), "stands on line 1"),
        (jsonl({"id": "a", "question": "?", "answer": "no such field"}), "answer"),
        (jsonl({"id": "a"}), "question"),
        (jsonl({"id": "a", "question": "?", "gold": "one text"}), "gold"),
        (jsonl({"id": "a", "question": "?", "qrels": {"d1": -1}}), "qrels"),
        (jsonl({"id": "a", "question": "?", "qrels": {"d1": 0.5}}), "qrels"),
        (b'{"id": "a", "question": "\\u0000"}\n', "NUL"),
        (b"not json\n", "not JSON"),
        (b"\xff\n", "UTF-8"),
        (b"\n\n", "no cases"),
    ],
)
def test_a_bad_row_refuses_the_dataset(content: bytes, message: str) -> None:
    """The line and what is wrong with it are named; no row is skipped."""
    with pytest.raises(Invalid) as refusal:
        parse_cases(content)
    assert message in refusal.value.fields[0].message


def test_graded_judgements_are_read() -> None:
    """By document or chunk id; a case without any has none."""
    graded, bare = parse_cases(jsonl({"id": "a", "question": "?", "qrels": {"d1": 2, "d2": 0}}, rows(1)[0]))
    assert (graded.qrels, bare.qrels) == ({"d1": 2, "d2": 0}, {})


@given(st.integers(1, 40), st.integers(0, 2**40))
def test_a_sample_keeps_pairs_together(size: int, seed: int) -> None:
    """At most `size` cases (one pair at least), whole pairs, in the dataset's order, the same each time."""
    cases = parse_cases(jsonl(*rows(12)))
    chosen = sample(cases, size, seed)
    assert chosen == sample(cases, size, seed)
    assert 2 <= len(chosen) <= max(2, size)
    pairs = [case.pair for case in chosen]
    assert all(pairs.count(pair) == 2 for pair in pairs)
    assert [case for case in cases if case in chosen] == list(chosen)


@given(st.integers(2, 20), st.integers(0, 1000))
def test_a_larger_sample_keeps_the_smaller(size: int, seed: int) -> None:
    """Growing a sample adds cases; what was measured before can be compared."""
    cases = parse_cases(jsonl(*rows(12)))
    smaller, larger = ({case.id for case in sample(cases, n, seed)} for n in (size, size + 2))
    assert smaller <= larger


def test_a_case_without_a_document_is_its_own_cluster() -> None:
    """Cases cluster by document, by a slice where the suite says so, or stand alone."""
    (case, *_) = parse_cases(jsonl(*rows(1)))
    assert cluster_of(case, None) == "doc-0.md"
    assert cluster_of(case, "language") == "en"
    (bare,) = parse_cases(jsonl({"id": "a", "question": "?"}))
    assert cluster_of(bare, None) == "case:a"
