"""Answers that should be JSON of a shape."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sekisho.evaluation.scorers.catalogue import SCORERS, with_params
from sekisho.kernel.errors import Invalid
from tests.evaluation.scorers.samples import outcome, sample, scored

SHAPE: dict[str, Any] = {
    "$defs": {"open": {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$"}},
    "type": "object",
    "required": ["opens"],
    "properties": {"opens": {"$ref": "#/$defs/open"}, "days": {"type": "array", "uniqueItems": True}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        ('{"opens": "09:00"}', 1),
        ('{"opens": "nine"}', 0),
        ('{"opens": "09:00", "x": 1}', 0),
        ('{"opens": "09:00", "days": [1, 2, true]}', 1),
        ('{"opens": "09:00", "days": [1, 1.0]}', 0),
        ('{"opens": "09:00", "days": [{"a": 1, "b": 2}, {"b": 2, "a": 1}]}', 0),
        ('{"opens": "09:00", "opens": "10:00"}', 0),
        ('{"opens": "09:', 0),
        ('It is {"opens": "09:00"}', 0),
        ("", 0),
        ("NaN", 0),
    ],
)
def test_an_answer_has_the_shape_or_not(answer: str, valid: int) -> None:
    """What is not one JSON value is a 0, and the fault is shown."""
    found = outcome("json_schema", sample(answer), schema=SHAPE)
    assert scored("json_schema", sample(answer), schema=SHAPE) == valid
    assert bool(found.details) is not bool(valid)


def test_a_fenced_answer_is_taken_out_where_asked() -> None:
    """Models wrap JSON in a code block; whether that counts is the suite's to say."""
    answer = 'Here:\n```json\n{"opens": "09:00"}\n```\nDone.'
    assert scored("json_schema", sample(answer), schema=SHAPE) == 0
    assert scored("json_schema", sample(answer), schema=SHAPE, extract="fenced") == 1
    assert scored("json_schema", sample('{"opens": "09:00"}'), schema=SHAPE, extract="fenced") == 1


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"$ref": "https://example.org/schema.json"}, "$.schema['$ref']"),
        ({"$ref": "#/$defs/none"}, "$.schema['$ref']"),
        ({"properties": {"a": {"$dynamicRef": "#x"}}}, "$.schema.properties.a['$dynamicRef']"),
        ({"$id": "https://example.org/"}, "$.schema['$id']"),
        ({"patternProperties": {"(a+)+$": {}}}, "$.schema.patternProperties"),
        ({"items": {"pattern": "(?=a)"}}, "$.schema.items.pattern"),
        ({"type": "nothing"}, "$.schema.type"),
        ({"anyOf": [{"unevaluatedProperties": False}]}, "$.schema.anyOf[0].unevaluatedProperties"),
    ],
)
def test_a_schema_that_is_unsafe_is_refused_before_the_run(schema: dict[str, Any], path: str) -> None:
    """No reference out of it, no keyword that evaluates patterns by backtracking; each place named."""
    with pytest.raises(Invalid) as caught:
        with_params(SCORERS["json_schema"], {"schema": schema})
    assert path in [field.path for field in caught.value.fields]


def bomb(depth: int) -> dict[str, Any]:
    """A schema that asks twice at each level: 2 to the depth steps."""
    twice = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(depth)}
    return {"$defs": {**twice, f"a{depth}": {"type": "string"}}, "$ref": "#/$defs/a0"}


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        (bomb(40), "1"),
        ({"$ref": "#"}, "1"),
        ({"items": {"pattern": "(?:a|b)*a(?:a|b){900}c"}}, '["' + "ab" * 400_000 + '"]'),
    ],
    ids=["twice", "itself", "pattern"],
)
def test_a_schema_without_an_end_is_no_score(schema: dict[str, Any], answer: str) -> None:
    """Within seconds, with the reason."""
    started = time.process_time()
    assert "steps" in str(scored("json_schema", sample(answer), schema=schema))
    assert time.process_time() - started < 10


def test_a_number_beyond_floats_is_no_crash() -> None:
    """Neither in the answer nor in the schema."""
    assert scored("json_schema", sample("1" + "0" * 400), schema={"multipleOf": 0.5}) == (
        "the answer holds a number too large to compare"
    )
    assert scored("json_schema", sample("9" * 5_000), schema={"type": "integer"}) == 0


def test_a_long_list_of_mixed_items_is_compared_in_time() -> None:
    """Where jsonschema's own check would compare every two."""
    answer = "[" + ",".join(f'{n},"{n}"' for n in range(40_000)) + "]"
    started = time.process_time()
    assert scored("json_schema", sample(answer), schema={"uniqueItems": True}) == 1
    assert time.process_time() - started < 5
