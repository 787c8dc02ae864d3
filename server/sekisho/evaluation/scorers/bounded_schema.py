"""A JSON Schema validator whose work is counted, so that a schema which never ends is stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from sekisho.evaluation.scorers.patterns import compile_pattern, found
from sekisho.evaluation.scorers.steps import TooManySteps, take
from sekisho.evaluation.types import Unscored


def bounded(schema: Any) -> Draft202012Validator:
    """A validator of this schema, to be used inside `counting`."""
    made: Draft202012Validator = _Bounded(schema)
    return made


def _counted(check: Callable[..., Any], cost: int) -> Callable[..., Any]:
    """The keyword's own check, with its steps counted each time it is asked."""

    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        take(cost)
        return check(validator, value, instance, schema)

    return counted


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """By RE2, in place of a backtracking engine."""
    if not isinstance(instance, str):
        return
    there = found(compile_pattern(pattern, "$"), instance)
    if isinstance(there, Unscored):
        raise TooManySteps
    if not there:
        yield ValidationError(f"{instance[:100]!r} does not match {pattern!r}")


def _unique(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """By canonical text: comparing every two items of a long list would take for ever."""
    if wanted and isinstance(instance, list) and len({_text(item) for item in instance}) < len(instance):
        yield ValidationError("the items are not unique")


def _text(value: Any) -> str:
    return json.dumps(_one_form(value), sort_keys=True)


def _one_form(value: Any) -> Any:
    """Equal JSON values as equal Python values: 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _one_form(item) for name, item in value.items()}
    return [_one_form(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


_CHECKS: Final = {**Draft202012Validator.VALIDATORS, "pattern": _pattern, "uniqueItems": _unique}
_Bounded: Final = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {name: _counted(check, 10 if name == "$ref" else 1) for name, check in _CHECKS.items()}
)
