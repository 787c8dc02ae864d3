"""Rows of other tools' datasets, read as ours: MLflow, Langfuse, Inspect, Ragas and BEIR. Pure.

The first row decides for the whole file. What a tool keeps for its own bookkeeping and its own scorers is let go; a
field that neither it nor we know is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sekisho.kernel.errors import FieldError, Invalid

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One tool's fields. A row is its own when it has `mark`; `kept` are read, `dropped` are let go."""

    name: str
    mark: Callable[[Mapping[str, Any]], bool]
    kept: frozenset[str]
    dropped: frozenset[str]
    read: Callable[[Row], Row]

    def translate(self, raw: Row) -> Row:
        """The row in our own fields, absent ones left out. Raises `Invalid` for fields that nobody knows."""
        if self is OWN:
            return dict(raw)
        known = self.kept | self.dropped
        if strange := sorted(raw.keys() - known):
            fields = [
                FieldError(f"$.{name}", f"unknown in a row of {self.name}; known are {', '.join(sorted(known))}")
                for name in strange
            ]
            raise Invalid("the row is not valid", fields=fields)
        return {name: value for name, value in self.read(raw).items() if value not in (None, "", [], {}, ())}


def dialect_of(raw: Any) -> Dialect:
    """Whose row it is; ours where nobody else's marks are there."""
    if isinstance(raw, dict):
        for dialect in _DIALECTS:
            if dialect.mark(raw):
                return dialect
    return OWN


def _mlflow(raw: Row) -> Row:
    """``inputs`` and ``expectations`` of ``mlflow.genai``, or ``request`` and ``expected_response`` of agent sets."""
    said = raw.get("expectations") or {}
    asked = raw.get("inputs", raw.get("request"))
    expected = said.get("expected_response") or raw.get("expected_response") or raw.get("ground_truth")
    documents = raw.get("expected_retrieved_context") or said.get("expected_retrieved_context") or []
    return {
        "id": raw.get("request_id") or raw.get("dataset_record_id"),
        "question": _asked(asked),
        "expected": _text(expected, "expected_response"),
        "gold": [document["content"] for document in documents if document.get("content")],
        "slices": _slices(raw.get("tags")),
    }


def _langfuse(raw: Row) -> Row:
    return {
        "id": raw.get("id"),
        "question": _asked(raw.get("input")),
        "expected": _text(raw.get("expectedOutput", raw.get("expected_output")), "expectedOutput"),
        "slices": _slices(raw.get("metadata")),
    }


def _inspect(raw: Row) -> Row:
    target = raw.get("target")
    return {
        "id": None if raw.get("id") is None else str(raw["id"]),
        "question": _asked(raw.get("input")),
        "expected": _text(target[0] if isinstance(target, list) and target else target, "target"),
        "slices": _slices(raw.get("metadata")),
    }


def _ragas(raw: Row) -> Row:
    reference = raw.get("reference", raw.get("ground_truth", raw.get("ground_truths")))
    return {
        "question": _asked(raw.get("user_input", raw.get("question"))),
        "expected": _text(reference[0] if isinstance(reference, list) and reference else reference, "reference"),
        "gold": raw.get("reference_contexts"),
        "context": raw.get("retrieved_contexts", raw.get("contexts")),
    }


def _beir(raw: Row) -> Row:
    return {"id": raw["_id"], "question": raw["text"], "slices": _slices(raw.get("metadata"))}


def _asked(value: Any) -> str:
    """The question in what a tool calls its input: a text, the last user message, or the one text of an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        for name in ("question", "query", "input", "prompt", "user_input"):
            if isinstance(value.get(name), str):
                return str(value[name])
        if isinstance(value.get("messages"), list):
            return _asked(value["messages"])
        texts = [item for item in value.values() if isinstance(item, str)]
        if len(texts) == 1:
            return texts[0]
    if isinstance(value, list):
        said = [m["content"] for m in value if isinstance(m, Mapping) and m.get("role") == "user" and "content" in m]
        if said and isinstance(said[-1], str):
            return said[-1]
    raise Invalid(
        "the row is not valid",
        fields=[FieldError("$", "no question is to be found: give a text, messages, or an object with `question`")],
    )


def _text(value: Any, name: str) -> str | None:
    """A reference answer as text; an object or list that holds no one text is written as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        for key in ("answer", "output", "expected_response", "content", "text", name):
            if isinstance(value.get(key), str):
                return str(value[key])
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _slices(value: Any) -> dict[str, str]:
    """What a tool notes about a row, as slices: short words and numbers only."""
    if not isinstance(value, Mapping):
        return {}
    found = {str(name): str(item) for name, item in value.items() if isinstance(item, str | int | bool)}
    return dict(list({n: v for n, v in found.items() if 0 < len(n) <= 200 and 0 < len(v) <= 200}.items())[:20])


OWN: Final = Dialect("Sekisho", lambda _: True, frozenset(), frozenset(), dict)

_DIALECTS: Final = (
    Dialect(
        "BEIR",
        lambda raw: "_id" in raw and "text" in raw,
        frozenset({"_id", "text", "metadata"}),
        frozenset({"title"}),
        _beir,
    ),
    Dialect(
        "Ragas",
        lambda raw: bool(raw.keys() & {"user_input", "retrieved_contexts", "contexts", "ground_truth", "ground_truths"})
        and not raw.keys() & {"inputs", "request"},
        frozenset(
            {
                "user_input", "question", "reference", "ground_truth", "ground_truths", "reference_contexts",
                "retrieved_contexts", "contexts",
            }
        ),
        frozenset(
            {"response", "answer", "rubrics", "multi_responses", "persona_name", "query_style", "query_length",
             "synthesizer_name", "retrieved_context_ids", "reference_context_ids"}
        ),
        _ragas,
    ),
    Dialect(
        "MLflow",
        lambda raw: bool(raw.keys() & {"inputs", "request"}),
        frozenset(
            {
                "inputs", "request", "request_id", "dataset_record_id", "expectations", "expected_response",
                "expected_retrieved_context", "ground_truth", "tags",
            }
        ),
        frozenset(
            {
                "outputs", "response", "retrieved_context", "trace", "expected_facts", "guidelines", "source",
                "create_time", "created_time", "created_by", "last_update_time", "last_updated_by", "source_type",
                "source_id",
            }
        ),
        _mlflow,
    ),
    Dialect(
        "Langfuse",
        lambda raw: "input" in raw
        and bool(raw.keys() & {"expectedOutput", "expected_output", "datasetId", "datasetName", "sourceTraceId"}),
        frozenset({"id", "input", "expectedOutput", "expected_output", "metadata"}),
        frozenset(
            {
                "datasetId", "datasetName", "sourceTraceId", "sourceObservationId", "status", "createdAt", "updatedAt",
                "dataset_id", "dataset_name", "source_trace_id", "source_observation_id", "created_at", "updated_at",
            }
        ),
        _langfuse,
    ),
    Dialect(
        "Inspect",
        lambda raw: "input" in raw,
        frozenset({"id", "input", "target", "metadata"}),
        frozenset({"choices", "sandbox", "files", "setup"}),
        _inspect,
    ),
)  # fmt: skip
