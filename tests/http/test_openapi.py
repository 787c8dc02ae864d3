"""The API's description, and the page that shows it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.api_client import ApiClient


@pytest.fixture
async def document(api: ApiClient) -> dict[str, Any]:
    answer = await api.get("/docs/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
    ]


async def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    """Its version, and every schema in it a valid JSON Schema of draft 2020-12."""
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """No `$ref` points at a schema that is not there."""
    schemas = document["components"]["schemas"]
    for reference in re.findall(r'"\$ref":\s*"([^"]+)"', str(document).replace("'", '"')):
        assert reference.removeprefix("#/components/schemas/") in schemas


async def test_operation_ids_are_words_and_unique(document: dict[str, Any]) -> None:
    """Generated clients name their methods by them."""
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert [name for name in ids if not re.fullmatch(r"[a-z][a-z_]*", name)] == []


async def test_every_operation_is_documented(document: dict[str, Any]) -> None:
    """A sentence, a tag, and every parameter of the path declared."""
    assert len(operations(document)) > 30
    for name, operation in operations(document):
        assert operation.get("description", "").strip(), f"{name} has no docstring"
        assert operation.get("tags"), f"{name} has no tag"
        declared = {item["name"] for item in operation.get("parameters", []) if item["in"] == "path"}
        assert set(re.findall(r"\{(\w+)", name)) <= declared


async def test_callers_are_told_how_to_authenticate(document: dict[str, Any]) -> None:
    """A bearer token everywhere."""
    schemes = document["components"]["securitySchemes"]
    assert [(scheme["type"], scheme["scheme"]) for scheme in schemes.values()] == [("http", "bearer")]
    assert document["security"] == [{name: []} for name in schemes]


async def test_the_page_fetches_nothing_from_elsewhere(api: ApiClient) -> None:
    """Scripts and styles come from this server, so that the page works where there is no way out."""
    page = await api.get("/docs")
    assert page.status_code == 200
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert sources
    assert [source for source in sources if re.match(r"(https?:)?//", source)] == []
    for source in sources:
        assert (await api.get(source)).status_code == 200, source
    # The description is embedded in the page; addresses in its prose load nothing.
    assert not re.findall(r"@import|url\(\s*['\"]?https?:", page.text)
