"""JSON Schemas of the gate's input and answer, generated from their types; the strict reading of an input."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

from sekisho.gate.input_types import GateInput
from sekisho.gate.types import PolicyAnswer
from sekisho.kernel.errors import FieldError, Invalid

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FILES: Final[dict[str, tuple[type[msgspec.Struct], str]]] = {
    "input.schema.json": (GateInput, "Input of the Sekisho gate"),
    "decision.schema.json": (PolicyAnswer, "Answer of data.sekisho.gate.decision"),
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema kept as ``policies/<name>``."""
    kind, title = FILES[name]
    (root,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    found = {"$schema": DIALECT, "title": title, **root, "$defs": components}
    # Defaults that are tuples are arrays in the file.
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return plain


def schema_text(name: str) -> str:
    """That schema as the file's text."""
    return json.dumps(schema(name), indent=2, sort_keys=False, ensure_ascii=False) + "\n"


def read_input(raw: Any) -> GateInput:
    """A gate input from decoded JSON. Raises `Invalid` with the path of the offending field."""
    try:
        return msgspec.convert(raw, GateInput)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        raise Invalid(
            "the gate input does not match policies/input.schema.json",
            fields=[FieldError(path.rstrip("`") or "$", message)],
        ) from error
