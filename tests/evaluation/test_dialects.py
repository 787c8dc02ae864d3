"""Rows of other tools' datasets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sekisho.evaluation.cases import parse_cases
from sekisho.evaluation.types import Case
from sekisho.kernel.errors import Invalid
from sekisho.registry.content import describe_dataset


def read(*rows: dict[str, Any]) -> tuple[Case, ...]:
    """The rows as a registered dataset's cases: the registry must take what evaluation reads."""
    content = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    count, _ = describe_dataset(content)
    cases = parse_cases(content)
    assert count == len(cases)
    return cases


MLFLOW = {
    "inputs": {"question": "What is a lock?"},
    "expectations": {"expected_response": "A file of digests."},
    "tags": {"language": "en"},
    "outputs": "ignored",
}
MLFLOW_AGENT = {
    "request_id": "r-1",
    "request": {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is a lock?"}]
    },
    "expected_response": "A file of digests.",
    "expected_retrieved_context": [{"content": "The lock names digests.", "doc_uri": "lock.md"}],
}
LANGFUSE = {
    "id": "item-1",
    "datasetId": "d",
    "status": "ACTIVE",
    "input": {"query": "What is a lock?"},
    "expectedOutput": {"answer": "A file of digests."},
    "metadata": {"language": "ja", "nested": {"left": "out"}},
}
INSPECT = {"id": 7, "input": "What is a lock?", "target": ["A file of digests."], "choices": ["a", "b"]}
RAGAS = {
    "user_input": "What is a lock?",
    "retrieved_contexts": ["The lock names digests."],
    "reference": "A file of digests.",
    "reference_contexts": ["The lock names digests."],
    "response": "ignored",
}
RAGAS_OLD = {"question": "What is a lock?", "contexts": ["The lock."], "ground_truths": ["A file of digests."]}
BEIR = {"_id": "42", "text": "What is a lock?", "metadata": {}}


@pytest.mark.parametrize(
    ("row", "id", "expected"),
    [
        (MLFLOW, None, "A file of digests."),
        (MLFLOW_AGENT, "r-1", "A file of digests."),
        (LANGFUSE, "item-1", "A file of digests."),
        (INSPECT, "7", "A file of digests."),
        (RAGAS, None, "A file of digests."),
        (RAGAS_OLD, None, "A file of digests."),
        (BEIR, "42", None),
    ],
)
def test_other_tools_rows_are_cases(row: dict[str, Any], id: str | None, expected: str | None) -> None:  # noqa: A002
    """Question and reference are found under the tool's own names; a row without an id gets its digest."""
    (case,) = read(row)
    assert case.question == "What is a lock?"
    assert case.expected == expected
    assert case.id == id if id else case.id.startswith("case-")


def test_passages_and_slices_come_along() -> None:
    """Gold passages, contexts and short notes about a row keep their meaning; nested notes are no slices."""
    (agent,) = read(MLFLOW_AGENT)
    assert agent.gold == ("The lock names digests.",)
    (ragas,) = read(RAGAS)
    assert (ragas.context, ragas.gold) == (("The lock names digests.",), ("The lock names digests.",))
    (langfuse,) = read(LANGFUSE)
    assert langfuse.slices == {"language": "ja"}


def test_the_same_row_twice_is_refused() -> None:
    """Rows without ids are told apart by what they say; one that says the same is a duplicate."""
    content = (json.dumps(RAGAS) + "\n").encode() * 2
    with pytest.raises(Invalid) as refusal:
        parse_cases(content)
    assert refusal.value.fields[0].path == "line 2"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({**RAGAS, "strange": 1}, "unknown in a row of Ragas"),
        ({**MLFLOW, "inputs": {"a": "x", "b": "y"}}, "no question is to be found"),
        ({**LANGFUSE, "input": 5}, "no question is to be found"),
        ({"id": "a", "question": "?", "strange": 1}, "unknown field"),
    ],
)
def test_what_nobody_knows_is_refused(row: dict[str, Any], words: str) -> None:
    """A field of no tool, or an input without a question, is named and not let go."""
    with pytest.raises(Invalid) as refusal:
        parse_cases(json.dumps(row).encode())
    assert words in refusal.value.fields[0].message


def test_one_file_is_of_one_tool() -> None:
    """The first row decides; a later row of another tool is named by its line."""
    content = "\n".join(json.dumps(row) for row in (RAGAS, MLFLOW)).encode()
    with pytest.raises(Invalid) as refusal:
        parse_cases(content)
    assert {field.path for field in refusal.value.fields} == {"line 2"}
