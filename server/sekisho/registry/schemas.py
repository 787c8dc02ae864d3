"""Naming every offending place of an input at once, where a decoder stops at the first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sekisho.kernel.errors import FieldError

if TYPE_CHECKING:
    # Loaded by the first schema that is looked at, not at every start.
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.exceptions import ValidationError

_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCES: Final = ("$ref", "$dynamicRef")
# What a variable's schema may say. Patterns are left out: a regular expression can take for ever on a short text.
VARIABLE_KEYWORDS: Final = frozenset(
    {
        "type", "enum", "const", "title", "description", "minLength", "maxLength", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "items", "minItems", "maxItems", "properties", "required",
        "additionalProperties", "minProperties", "maxProperties", "anyOf",
    }
)  # fmt: skip


def json_path(parts: list[Any]) -> str:
    """``$.messages[0].role`` from the keys and indexes that lead there."""
    return "$" + "".join(_step(part) for part in parts)


def _step(part: Any) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _BARE.fullmatch(part) else f"[{part!r}]"


@cache
def _validator(kind: type) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(msgspec.json.schema(kind))


def violations(kind: type, raw: Any) -> list[FieldError]:
    """Every place where `raw` breaks the JSON Schema of the msgspec type `kind`, ordered by path."""
    found = [item for error in _validator(kind).iter_errors(raw) for item in _described(error)]
    return sorted(set(found), key=lambda item: (item.path, item.message))


def value_violations(schema: Mapping[str, Any], value: Any, path: list[Any]) -> list[FieldError]:
    """Every place where `value`, itself standing at `path`, breaks a JSON Schema that an author wrote."""
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(schema).iter_errors(value)
    return [FieldError(json_path([*path, *error.absolute_path]), _message(error)) for error in errors]


def _described(error: ValidationError) -> Iterator[FieldError]:
    path = list(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for name in error.instance.keys() - known.keys():
            yield FieldError(json_path([*path, name]), f"unknown field; known are {', '.join(sorted(known))}")
    elif error.validator == "required" and isinstance(error.instance, dict) and isinstance(error.schema, Mapping):
        missing = [name for name in error.schema.get("required", ()) if name not in error.instance]
        for name in missing:
            yield FieldError(json_path([*path, name]), "required, but absent")
    elif error.validator == "anyOf" and error.context:
        inner = [item for item in error.context if item.validator != "type" or list(item.absolute_path) != path]
        for item in inner or error.context[:1]:
            yield from _described(item)
    else:
        yield FieldError(json_path(path), _message(error))


def _message(error: ValidationError | SchemaError) -> str:
    text = error.message
    return text if len(text) <= 300 else f"{text[:140]} … {text[-140:]}"


def schema_problems(schema: Any, path: list[Any], *, variable: bool = False) -> list[FieldError]:
    """What keeps `schema` from being a JSON Schema that is safe to keep, and for a variable, to check values against.

    References out of the schema are refused, since following one would reach the network; a variable's schema may
    hold none at all, since one that names itself never ends.
    """
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [FieldError(json_path([*path, *error.absolute_path]), f"not a JSON Schema: {_message(error)}")]
    return list(_keyword_problems(schema, path, variable))


def _keyword_problems(schema: Any, path: list[Any], variable: bool) -> Iterator[FieldError]:
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        here = [*path, keyword]
        if keyword in _REFERENCES and not str(value).startswith("#"):
            yield FieldError(json_path(here), "a reference may not lead out of the schema; write it out")
        elif variable and keyword not in VARIABLE_KEYWORDS:
            yield FieldError(json_path(here), f"not allowed here; use {', '.join(sorted(VARIABLE_KEYWORDS))}")
        elif keyword in {"properties", "patternProperties", "dependentSchemas"} and isinstance(value, dict):
            for name, inner in value.items():
                yield from _keyword_problems(inner, [*here, name], variable)
        elif keyword in {"anyOf", "oneOf", "allOf", "prefixItems"} and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _keyword_problems(inner, [*here, index], variable)
        elif keyword not in {"enum", "const", "required"}:
            yield from _keyword_problems(value, here, variable)
