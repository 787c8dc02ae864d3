"""How errors and sloppy input are told, on a small application with the product's own mapping and strictness."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import msgspec
import pytest
from litestar import Litestar, Router, get, post
from litestar.exceptions import ValidationException
from litestar.params import FromPath, FromQuery, JSONBody
from tests.problems import problem

from sekisho.http.problems import STATUS, problem_plugin, validation_problem
from sekisho.http.strictness import refuse_sloppy_input
from sekisho.kernel import errors
from sekisho.kernel.errors import FieldError, SekishoError


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: int


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    parts: list[Part]


@get("/fail/{name:str}")
async def fail(name: FromPath[str]) -> None:
    """Raise the error of that name."""
    if name == "bug":
        raise ZeroDivisionError("a secret detail")
    raise getattr(errors, name)("what happened", remedy="do this", fields=[FieldError("$.a[0]", "wrong")])


@get("/list")
async def listing(limit: FromQuery[int] = 10) -> dict[str, int]:
    """Take one query parameter."""
    return {"limit": limit}


@post("/orders", status_code=200)
async def order(data: JSONBody[Order]) -> dict[str, Any]:
    """Take one body."""
    return {"name": data.name, "parts": len(data.parts)}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar(
        route_handlers=[Router("/", route_handlers=[fail, listing, order], before_request=refuse_sloppy_input)],
        plugins=[problem_plugin()],
        exception_handlers={ValidationException: validation_problem},
        request_max_body_size=10_000,
        openapi_config=None,
    )
    transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://sekisho") as client:
        yield client


def every_error() -> list[type[SekishoError]]:
    found, queue = [], [SekishoError]
    while queue:
        kind = queue.pop()
        # Classes of other rooms, such as a lost lease, are told as what they derive from.
        children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
        found += children
        queue += children
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
async def test_every_error_is_a_problem(client: httpx.AsyncClient, kind: type[SekishoError]) -> None:
    """Each class of the tree has its status and type, and says what happened, where, and what to do."""
    status, slug = STATUS[kind]
    body = problem(await client.get(f"/fail/{kind.__name__}"), status, slug)
    assert body["title"] == kind.title
    assert body["detail"] == "what happened"
    assert body["remedy"] == "do this"
    assert body["errors"] == [{"path": "$.a[0]", "message": "wrong"}]


async def test_a_bug_tells_nothing_of_itself(client: httpx.AsyncClient) -> None:
    """An unexpected error is a 500 without its message, which may hold what the caller must not see."""
    response = await client.get("/fail/bug")
    problem(response, 500, "internal")
    assert "secret" not in response.text


async def test_retry_and_challenge_headers(client: httpx.AsyncClient) -> None:
    """503 says when to come again, 401 says how to authenticate."""
    assert (await client.get("/fail/Unavailable")).headers["retry-after"] == "1"
    assert (await client.get("/fail/Unauthenticated")).headers["www-authenticate"] == "Bearer"


async def test_unknown_query_parameters_are_all_named(client: httpx.AsyncClient) -> None:
    """A misspelt filter must not silently widen an answer."""
    body = problem(await client.get("/list?limit=3&offset=1&page=2"), 400, "invalid")
    assert [item["path"] for item in body["errors"]] == ["$.offset", "$.page"]


@pytest.mark.parametrize("path", ["/orders?data=1", "/fail/Conflict?name=bug", "/list?=1"])
async def test_what_stands_elsewhere_is_no_query_parameter(client: httpx.AsyncClient, path: str) -> None:
    """The body's name, a part of the path and no name at all: none of them is asked for in the query."""
    method = "POST" if path.startswith("/orders") else "GET"
    body = problem(await client.request(method, path), 400, "invalid")
    assert [item["message"] for item in body["errors"]] == ["unknown query parameter"]


async def test_an_ill_typed_query_parameter_is_named(client: httpx.AsyncClient) -> None:
    """The parameter's name and what was expected."""
    body = problem(await client.get("/list?limit=many"), 400, "invalid")
    assert body["errors"][0]["path"] == "$.limit"
    assert "int" in body["errors"][0]["message"]


async def test_every_offending_field_is_named(client: httpx.AsyncClient) -> None:
    """Not only the first that the decoder met: unknown, missing and ill-typed fields, at any depth."""
    body = problem(
        await client.post("/orders", json={"parts": [{"size": "big"}, {"size": 1, "colour": "red"}], "who": 1}),
        400,
        "invalid",
    )
    told = {(item["path"], item["message"]) for item in body["errors"]}
    assert {path for path, _ in told} == {"$.name", "$.who", "$.parts[0].size", "$.parts[1].colour"}
    assert ("$.name", "required, but absent") in told
    assert ("$.who", "unknown field; known are name, parts") in told
    assert any(path == "$.parts[1].colour" and message.startswith("unknown field") for path, message in told)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{"name": "a", "name": "b", "parts": []}', "$..name"),
        (b'{"name": "a\\u0000", "parts": []}', "$.name"),
        (b'{"name": "\xff", "parts": []}', "$"),
        (b'{"name": NaN, "parts": []}', "$"),
        (b'{"name": "a", "parts": [', "$"),
        (b'{"name": "a", "parts": ' + b"[" * 100 + b"]" * 100 + b"}", "$.parts" + "[0]" * 17),
    ],
    ids=["duplicate key", "NUL", "invalid UTF-8", "NaN", "cut off", "too deep"],
)
async def test_json_that_is_not_strict_is_refused(client: httpx.AsyncClient, raw: bytes, place: str) -> None:
    """What decoders take silently, or answer with a 500, is the caller's error and named as such."""
    response = await client.post("/orders", content=raw, headers={"content-type": "application/json"})
    body = problem(response, 400, "invalid")
    assert [item["path"] for item in body["errors"]] == [place]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_body_must_say_that_it_is_json(client: httpx.AsyncClient, media_type: str | None) -> None:
    """A form or plain text that happens to parse is not taken for JSON."""
    headers = {"content-type": media_type} if media_type else {}
    raw = b'{"name": "a", "parts": []}'
    problem(await client.post("/orders", content=raw, headers=headers), 415, "unsupported-media-type")


async def test_a_missing_body_is_refused(client: httpx.AsyncClient) -> None:
    """No body where one is needed is the caller's error."""
    problem(await client.post("/orders"), 400, "invalid")


async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    """The answer is 413, also where the length was not declared beforehand."""
    big = {"name": "a" * 20_000, "parts": []}
    problem(await client.post("/orders", json=big), 413, "too-large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"a" * 1000

    response = await client.post("/orders", content=chunks(), headers={"content-type": "application/json"})
    problem(response, 413, "too-large")


async def test_unknown_paths_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    """The framework's own refusals have the same form."""
    problem(await client.get("/nowhere"), 404, "not-found")
    problem(await client.delete("/list"), 405, "method-not-allowed")


async def test_good_requests_pass(client: httpx.AsyncClient) -> None:
    """Strictness refuses nothing that is right."""
    assert (await client.get("/list?limit=3")).json() == {"limit": 3}
    made = await client.post("/orders", json={"name": "関所", "parts": [{"size": 1}]})
    assert made.json() == {"name": "関所", "parts": 1}
