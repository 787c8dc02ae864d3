"""Is the answer JSON of the shape that was asked for? By a JSON Schema that stands in the suite.

A schema is a small program, and one that names itself twice at each level runs for ever. So what a schema may say is a
list, patterns are RE2's, references stay inside the schema, and a validation that takes too many steps ends Unscored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from sekisho.evaluation.scorers.declaration import Label, Measure, Outcome, Params, Scorer, labelled
from sekisho.evaluation.scorers.patterns import compile_pattern
from sekisho.evaluation.scorers.reading import readable
from sekisho.evaluation.scorers.steps import MAX_STEPS, TooManySteps, counting
from sekisho.evaluation.types import Sample, Scored, Target, Unscored
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json
from sekisho.registry.schemas import VARIABLE_KEYWORDS, json_path, schema_problems

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_TOO_MANY: Final = Unscored(f"checking the answer against the schema took more than {MAX_STEPS:,} steps")
_NO_NUMBER: Final = Unscored("the answer holds a number too large to compare")
_KEYWORDS: Final = VARIABLE_KEYWORDS | {
    "$schema", "$defs", "$ref", "$comment", "pattern", "uniqueItems", "oneOf", "allOf", "not", "if", "then", "else",
    "prefixItems", "contains", "minContains", "maxContains", "multipleOf", "format", "default", "examples",
    "propertyNames", "dependentRequired", "deprecated", "readOnly", "writeOnly",
}  # fmt: skip
_NAMED: Final = frozenset({"properties", "$defs"})
_LISTED: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLE: Final = frozenset({"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"})
_LOCAL: Final = re.compile(r"#(?:/\$defs/([^/~%]+))?")
_FENCE: Final = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL | re.IGNORECASE)


class StructureParams(Params, frozen=True, kw_only=True):
    """``schema``: a JSON Schema (2020-12) without references out of it.

    ``extract``: ``whole`` takes the answer as it is, ``fenced`` the first code block of it where there is one.
    ``label`` tells several schemas of a suite apart.
    """

    schema: dict[str, Any]
    extract: Literal["whole", "fenced"] = "whole"
    label: Label | None = None


def json_schema(sample: Sample, *, metric: str, params: StructureParams, validator: Draft202012Validator) -> Outcome:
    """1 where the answer is one JSON value that the schema allows; an answer that is not JSON is a 0."""
    answer = readable(sample)
    if isinstance(answer, Unscored):
        return Outcome({metric: answer}, {})
    try:
        fault = _fault(_extracted(answer, params), validator)
    except (TooManySteps, RecursionError):
        return Outcome({metric: _TOO_MANY}, {})
    except ArithmeticError:
        return Outcome({metric: _NO_NUMBER}, {})
    details = {} if fault is None else {labelled("schema_error", params.label): fault}
    return Outcome({metric: Scored(float(fault is None))}, details)


def unusable(schema: Mapping[str, Any]) -> list[FieldError]:
    """What keeps a schema from being used here, each place of it."""
    if broken := schema_problems(dict(schema), ["schema"]):
        return broken
    names = frozenset(schema["$defs"]) if isinstance(schema.get("$defs"), dict) else frozenset[str]()
    return list(_problems(schema, ["schema"], names))


def _fault(text: str, validator: Draft202012Validator) -> str | None:
    try:
        value = decode_json(text.encode("utf-8", "surrogatepass"))
    except Invalid as error:
        return error.fields[0].message if error.fields else error.detail
    with counting():
        first = next(validator.iter_errors(value), None)
    return None if first is None else f"{json_path(list(first.absolute_path))}: {first.message[:200]}"


def _extracted(answer: str, params: StructureParams) -> str:
    block = _FENCE.search(answer) if params.extract == "fenced" else None
    return block[1] if block else answer


def _problems(schema: Any, path: list[Any], names: frozenset[str]) -> Iterator[FieldError]:
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        here = [*path, keyword]
        if keyword not in _KEYWORDS:
            yield FieldError(json_path(here), f"not allowed here; use {', '.join(sorted(_KEYWORDS))}")
        elif keyword == "$ref":
            yield from _reference_problems(str(value), here, names)
        elif keyword == "pattern":
            yield from _pattern_problems(str(value), here)
        for inner, place in _inner(keyword, value, here):
            yield from _problems(inner, place, names)


def _inner(keyword: str, value: Any, here: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """The schemas that a keyword holds, with their places."""
    if keyword in _NAMED and isinstance(value, Mapping):
        yield from ((inner, [*here, name]) for name, inner in value.items())
    elif keyword in _LISTED and isinstance(value, list):
        yield from ((inner, [*here, index]) for index, inner in enumerate(value))
    elif keyword in _SINGLE:
        yield value, here


def _reference_problems(reference: str, here: list[Any], names: frozenset[str]) -> Iterator[FieldError]:
    local = _LOCAL.fullmatch(reference)
    if local is None or (local[1] is not None and local[1] not in names):
        yield FieldError(json_path(here), "a reference names # or a definition that is there, as #/$defs/NAME")


def _pattern_problems(pattern: str, here: list[Any]) -> Iterator[FieldError]:
    try:
        compile_pattern(pattern, json_path(here))
    except Invalid as error:
        yield from error.fields


def _measures(scorer: Scorer, params: StructureParams) -> tuple[Measure, ...]:
    if wrong := unusable(params.schema):
        raise Invalid("the schema cannot be used", fields=wrong, remedy="mend the places named")
    from sekisho.evaluation.scorers.bounded_schema import bounded  # jsonschema is slow to load, and seldom needed

    metric = labelled(scorer.name, params.label)
    validator = bounded(msgspec.to_builtins(params.schema))
    return (Measure(scorer, (metric,), partial(json_schema, metric=metric, params=params, validator=validator)),)


SCORERS: Final = (
    Scorer(
        name="json_schema",
        meaning="whether the answer is JSON that a schema of the suite allows",
        target=Target.ANSWERS,
        reads=("answer",),
        unscored=f"there is no answer, it is too long to read, or checking it takes more than {MAX_STEPS:,} steps",
        metrics=("json_schema",),
        measures=_measures,
        params=StructureParams,
        limits="`format` is not checked, patterns are RE2's, and `patternProperties`, `unevaluatedProperties` and"
        " references out of the schema are refused.",
    ),
)
