"""Examples in the API's description, by operation, from the file ``examples.yaml`` beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import OpenAPI

from sekisho.kernel.yaml import load_yaml

FILE: Final = Path(__file__).with_name("examples.yaml")
JSON: Final = "application/json"


@dataclass
class Description(OpenAPI):
    """The API's description, which shows examples as it is written out."""

    def to_schema(self) -> dict[str, Any]:
        schema = super().to_schema()
        examples = load_yaml(FILE.read_bytes())
        for operations in schema["paths"].values():
            for operation in operations.values():
                _show(operation, examples.get(operation["operationId"], {}))
        return schema


@dataclass
class DescriptionConfig(OpenAPIConfig):
    """Makes a `Description`, when it is first asked for."""

    def to_openapi_schema(self) -> OpenAPI:
        plain = super().to_openapi_schema()
        return Description(**{name: getattr(plain, name) for name in plain.__dataclass_fields__})


def _show(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    if "request" in example:
        operation["requestBody"]["content"][JSON]["example"] = example["request"]
    for status, response in operation["responses"].items():
        if status.startswith("2") and "response" in example and JSON in response.get("content", {}):
            response["content"][JSON]["example"] = example["response"]
