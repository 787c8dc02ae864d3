"""Labelled answers as they are read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sekisho.evaluation.judges.labels import parse_labels
from sekisho.kernel.errors import Invalid
from sekisho.kernel.trees import tree

ROW = {"context": "The fee is 30 euros.", "response": "It is 30.", "label": "supported"}
BAD = {**ROW, "response": "It is 90.", "label": "hallucinated"}


def lines(*rows: Any) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no rows"),
        (lines(ROW, ROW), "the same label"),
        (lines(ROW, {**BAD, "label": "perhaps"}), "line 2"),
        (lines(ROW, {"context": "c", "response": "r"}), "required: supported or hallucinated"),
        (lines(ROW, {**BAD, "hallucinated": False}), "otherwise"),
        (lines(ROW, {**BAD, "verdict": 1}), "verdict"),
        (lines(ROW, {"response": "r", "label": "supported"}), "context"),
        (lines({**ROW, "id": "a"}, {**BAD, "id": "a"}), "line 1 already"),
        (b'{"context": "a\\u0000b", "response": "r", "label": "supported"}', "NUL"),
        (b"not JSON", "line 1"),
        (lines(ROW, BAD)[:-3], "line 2"),
        (b'{"context": "a", "response": "r", "label": "supported", "label": "hallucinated"}', "twice"),
    ],
)
def test_bad_labels_are_refused_with_their_line(content: bytes, told: str) -> None:
    """Whole: a row that is left out would make the judge look better or worse than it is."""
    with pytest.raises(Invalid) as refusal:
        parse_labels(content)
    assert any(told in f"{field.path} {field.message}" for field in refusal.value.fields), refusal.value


def test_both_forms_of_a_label_are_read() -> None:
    """As a word, and as the boolean of the usual grounding data."""
    found = parse_labels(lines(ROW, BAD, {"context": "c", "response": "r", "hallucinated": True}))
    assert [row.fault for row in found] == [False, True, True]


def test_rows_of_one_source_are_one_cluster() -> None:
    """By `source_id` where it stands, else by the context itself."""
    found = parse_labels(
        lines(ROW, BAD, {**ROW, "context": "other"}, {**ROW, "source_id": 7}, {**BAD, "source_id": "7"})
    )
    clusters = [row.cluster for row in found]
    assert clusters[0] == clusters[1] != clusters[2]
    assert clusters[3] == clusters[4] == "source:7"


def test_a_context_is_a_text_passages_or_an_object() -> None:
    """Each passage is a hit; an object is shown as JSON."""
    found = parse_labels(lines({**ROW, "context": ["a", "b"]}, {**BAD, "context": {"name": "Kafé"}}))
    assert [hit.text for hit in found[0].sample.hits or ()] == ["a", "b"]
    assert [hit.text for hit in found[1].sample.hits or ()] == ['{"name": "Kafé"}']


def test_the_labels_that_ship_are_balanced_and_their_contexts_stand_in_the_handbook() -> None:
    """Sixty rows, two to a passage; every passage stands verbatim on the page that its source names."""
    rows = parse_labels((tree("evals") / "judges" / "labels.jsonl").read_bytes())
    assert [row.fault for row in rows] == [False, True] * 30
    assert len({row.cluster for row in rows}) == 30
    for row in rows:
        page = row.cluster.removeprefix("source:").rpartition("/")[0]
        text = (tree("evals") / "demo" / "handbook" / "en" / f"{page}.md").read_text("utf-8")
        (hit,) = row.sample.hits or ()
        assert hit.text in text, row.sample.case.id
