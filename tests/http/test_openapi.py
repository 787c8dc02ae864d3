"""The API's description, and the page that shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.api_client import ApiClient
from tests.http.journey import steps, travel

RECORD = "run `python -m tests.http.record`"
# Whole documents that have a page or a schema of their own, and what takes a worker to come about; and a file.
WITHOUT_EXAMPLE = {
    "get_suite_schema", "get_report_schema", "list_scorers", "get_report", "compare_runs", "policy_bundle",
    "show_published_policy", "start_replay", "get_replay",
    "explain_decision", "take_decision_log",
}  # fmt: skip


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


def faults(document: dict[str, Any], media: dict[str, Any]) -> list[str]:
    """Where the example of a body or an answer breaks its schema."""
    schema = {**media["schema"], "components": document["components"]}
    found = Draft202012Validator(schema).iter_errors(media["example"])
    return [f"{error.json_path}: {error.message}" for error in found]


def answers(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The JSON that an operation gives when all went well."""
    for status, response in operation["responses"].items():
        if status.startswith("2") and "application/json" in response.get("content", {}):
            yield response["content"]["application/json"]


async def test_every_body_has_an_example_that_its_own_schema_takes(document: dict[str, Any]) -> None:
    """Whoever copies the example sends something valid."""
    seen = 0
    for name, operation in operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert "example" in media, f"{name} has no example of its body: let the journey take it, then {RECORD}"
            assert faults(document, media) == [], f"{name}: {RECORD}"
            seen += 1
    assert seen >= 13


async def test_every_answer_has_an_example_that_its_own_schema_takes(document: dict[str, Any]) -> None:
    """Readers see what comes back."""
    for name, operation in operations(document):
        for media in [] if operation["operationId"] in WITHOUT_EXAMPLE else answers(operation):
            assert "example" in media, f"{name} has no example of its answer: let the journey take it, then {RECORD}"
            assert faults(document, media) == [], f"{name}: {RECORD}"


async def test_the_examples_are_what_the_api_answers(api: ApiClient, document: dict[str, Any]) -> None:
    """Each field of an example is one of the real answer's, also where a schema leaves the fields open."""
    real = (await travel(api)).answered
    for name, operation in operations(document):
        for media in answers(operation):
            if "example" in media:
                gone = set(steps(media["example"])) - set(steps(real[operation["operationId"]]))
                assert sorted(gone) == [], f"{name}: {RECORD}"
