"""Scoring rows without a server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation import score
from sekisho.evaluation.scoring import offline
from sekisho.kernel.errors import Invalid

CONTEXT = "The gate opens at nine. It closes at five."
MADE_UP = "The gate was built by Napoleon in 1809."


def one(row: Mapping[str, Any], *scorers: str, **params: Any) -> dict[str, Any]:
    (found,) = score([row], scorers or ("grounding",), **params)
    return found


@pytest.mark.parametrize(
    "context",
    [CONTEXT, ["The gate opens at nine.", "It closes at five."], [{"text": CONTEXT, "id": 7}], {"hours": CONTEXT}],
    ids=["text", "passages", "objects", "json"],
)
def test_an_invention_is_flagged_in_any_kind_of_context(context: object) -> None:
    """Probability, verdict, and the span with its place and its reasons."""
    found = one({"id": "a", "context": context, "response": f"The gate opens at nine. {MADE_UP}"})
    assert found["row"] == 1
    assert found["id"] == "a"
    assert found["verdict"] == "unsupported"
    assert 0.5 < found["probability"] <= 1
    (span,) = found["spans"]
    assert span["text"] == MADE_UP
    assert (span["start"], span["end"]) == (24, 24 + len(MADE_UP))
    assert "1809" in str(span["reasons"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["The gate opens at nine.", MADE_UP, "- It is red.", "門は赤い。", "\n\n", " ", "…"])))
def test_spans_are_parts_of_the_answer(parts: list[str]) -> None:
    """Their places give their texts back, in order and apart."""
    answer = " ".join(parts)
    spans = one({"context": CONTEXT, "response": answer})["spans"]
    assert all(answer[span["start"] : span["end"]] == span["text"] for span in spans)
    assert all(first["end"] <= second["start"] for first, second in pairwise(spans))


def test_a_supported_answer_is_less_probable_to_be_made_up() -> None:
    """The probability orders answers, and nothing is flagged."""
    found = one({"context": CONTEXT, "answer": "The gate opens at nine."})
    assert (found["verdict"], found["spans"]) == ("supported", [])
    assert found["probability"] < one({"context": CONTEXT, "answer": MADE_UP})["probability"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"context": CONTEXT}, "there is no answer"),
        ({"context": CONTEXT, "response": " "}, "the answer is empty"),
        ({"response": "It opens."}, "there is no context"),
        ({"response": "It opens.", "context": []}, "the context is empty"),
        ({"response": "…", "context": CONTEXT}, "the answer holds no words"),
    ],
)
def test_what_cannot_be_judged_says_why(row: dict[str, Any], reason: str) -> None:
    """No probability, never a 0."""
    found = one(row)
    assert (found["probability"], found["verdict"], found["unscored"]) == (None, "unscored", reason)
    assert found["scores"]["hallucinated"] == {"unscored": reason}


def test_an_answer_that_declines_is_told_apart() -> None:
    """It holds nothing that could be unsupported."""
    found = one({"context": CONTEXT, "response": "I cannot find an answer."})
    assert (found["verdict"], found["probability"]) == ("abstained", 0.0)


@pytest.mark.parametrize(
    ("row", "scorer", "params", "value"),
    [
        ({"response": "Nine.", "expected": "nine"}, "normalised_match", {}, 1),
        ({"response": "at 9:00", "expected": "x"}, "regex", {"pattern": r"\d"}, 1),
        ({"retrieved": ["a", "b"], "gold": "b"}, "mrr", {}, 0.5),
        ({"retrieved": ["d2", "d1"], "qrels": {"d1": 1}}, "mrr", {}, 0.5),
        ({"retrieved": [{"document": "d1", "text": "x"}], "qrels": {"d1": 1}}, "recall", {"k": 5}, 1),
        ({"context": ["a", "gold"], "gold": ["gold"]}, "hit", {"k": 2}, 1),
        ({"latency_ms": 12}, "latency_ms", {}, 12),
        ({"response": "{}"}, "json_schema", {"schema": {"type": "object"}}, 1),
    ],
)
def test_other_scorers_read_the_same_rows(row: Any, scorer: str, params: dict[str, Any], value: float) -> None:
    """Each finds what it reads, under its metric's name."""
    (found,) = one(row, scorer, **params)["scores"].values()
    assert found == {"value": value}


def test_every_scorer_without_a_judge_can_be_used() -> None:
    """On one row, all at once; what the row does not hold is Unscored."""
    given = {"k": 5, "pattern": "x", "schema": {}}
    found = one({"response": "x"}, *offline(), **given)
    assert len(found["scores"]) >= len(offline())
    assert found["scores"]["recall@5"] == {"unscored": "nothing says what was retrieved"}


def test_parameters_go_to_all_that_take_them_or_to_one() -> None:
    """By name, or by scorer and name, which goes first."""
    row = {"retrieved": ["a"], "gold": ["a"]}
    found = one(row, "recall", "hit", "mrr", **{"k": 3, "hit.k": 1})
    assert list(found["scores"]) == ["recall@3", "hit@1", "mrr@3"]


@pytest.mark.parametrize(
    ("scorers", "params", "path"),
    [
        (["nothing"], {}, "$.scorers[0].name"),
        (["recall"], {}, "$.scorers[0].params.k"),
        (["recall"], {"k": 0}, "$.scorers[0].params.k"),
        (["mrr"], {"gain": "linear"}, "$.params.gain"),
        (["mrr", "mrr"], {}, "$.scorers"),
        ([], {}, "$.scorers"),
        ([("regex", {"pattern": "("})], {}, "$.scorers[0].params.pattern"),
    ],
)
def test_a_wrong_request_is_refused_before_the_first_row(scorers: Any, params: dict[str, Any], path: str) -> None:
    """With its place; nothing is read."""
    with pytest.raises(Invalid) as caught:
        score(iter(lambda: pytest.fail("a row was read"), None), scorers, **params)
    assert path in [field.path for field in caught.value.fields]


@pytest.mark.parametrize(
    "row",
    [{"response": 3}, {"context": 3}, {"qrels": {"a": -1}}, {"retrieved": "a"}, {"latency_ms": -1}, [], "x", None],
    ids=str,
)
def test_a_wrong_row_is_named(row: Any) -> None:
    """By its number and its field; what was scored before stays scored."""
    found = score([{"context": CONTEXT, "response": "It opens."}, row])
    assert next(found)["row"] == 1
    with pytest.raises(Invalid) as caught:
        next(found)
    assert caught.value.fields[0].path.startswith("row 2, $")


def test_rows_are_scored_as_they_come() -> None:
    """A generator in, a generator out: no row is read before its turn."""
    read: list[int] = []

    def rows() -> Iterator[dict[str, str]]:
        for number in range(1_000_000):
            read.append(number)
            yield {"response": "x", "expected": "x"}

    found = score(rows(), ("exact_match",))
    assert [next(found)["row"] for _ in range(3)] == [1, 2, 3]
    assert len(read) == 3


def test_the_door_is_light() -> None:
    """Importing it loads nothing; scoring with a deterministic scorer needs no part of a server or worker."""
    told = (
        "import sys; from sekisho.evaluation import score; assert 'jsonschema' not in sys.modules;"
        "list(score([{'response': 'a', 'expected': 'a'}], ('rouge_l',)));"
        "print([m for m in ('torch', 'chromadb', 'sqlalchemy', 'litestar', 'numpy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
