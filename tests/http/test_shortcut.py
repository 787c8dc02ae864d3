"""The short way for `resolve` says what the usual way says, and steps aside for whatever is unusual."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from prometheus_client import CollectorRegistry, generate_latest
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.gate.seeded import seed
from tests.notifications import heard
from tests.problems import problem
from tests.registry.manifests import prompt, register

from sekisho.http.shortcut import Shortcut
from sekisho.http.telemetry import Telemetry
from sekisho.identity.types import Role
from sekisho.identity.validation import DAY_MS
from sekisho.kernel.references import Kind, Number, Reference
from sekisho.wiring.services import Services

ASK = "/v1/projects/default/resolve/prompt/ask"
PLAIN = [ASK, f"{ASK}?selector=latest", f"{ASK}?selector=v1", f"{ASK}?selector=production"]
UNUSUAL = {
    "unknown query parameter": f"{ASK}?selector=v1&colour=red",
    "selector twice": f"{ASK}?selector=v1&selector=v2",
    "empty selector": f"{ASK}?selector=",
    "a stage that is none": f"{ASK}?selector=prod",
    "nothing promoted": f"{ASK}?selector=staging",
    "another kind": "/v1/projects/default/resolve/index/ask",
    "no kind": "/v1/projects/default/resolve/thing/ask",
    "no such project": "/v1/projects/nowhere/resolve/prompt/ask",
    "too long": f"/v1/projects/default/resolve/prompt/{'a' * 500}",
    "no UTF-8": f"{ASK}?selector=%ff",
    "a longer path": f"{ASK}/more",
}


class ShortWay:
    """Only the short way: 404 without a body for what it leaves to the usual one."""

    def __init__(self, services: Services) -> None:
        self.metrics = CollectorRegistry()
        self.shortcut = Shortcut(services.identity, services.registry, Telemetry(self.metrics))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not await self.shortcut.answered(scope, receive, send):
            await send({"type": "http.response.start", "status": 404, "headers": [(b"x-left", b"1")]})
            await send({"type": "http.response.body", "body": b""})


def client_of(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://sekisho.test")


@pytest.fixture
async def short_way(services: Services) -> ShortWay:
    return ShortWay(services)


@pytest.fixture
async def short(short_way: ShortWay) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(short_way) as client:
        yield client


@pytest.fixture
async def usual(api: ApiClient) -> AsyncIterator[httpx.AsyncClient]:
    """The application without its short way."""
    async with client_of(cast(Any, partial(Litestar.__call__, api.app))) as client:
        yield client


@pytest.fixture
async def viewer(api: ApiClient, services: Services) -> dict[str, str]:
    """The headers of somebody who may read, once a prompt of two versions is there and production serves the first."""
    author = await services.identity.authenticate(await api.token_for("author"))
    for template in ("{{ context }}", "Context: {{ context }}"):
        await register(services.registry, author, "prompt/ask", prompt(template))
    await move(services, 1)
    headers = await api.role("viewer")
    await heard(services.database, services.watch)  # what is remembered from here on stays remembered
    return headers


async def move(services: Services, number: int, expected: str | None = None) -> str:
    """Let production serve that version; gives its digest."""
    asked = Reference("default", Kind.PROMPT, "ask", Number(number))
    version = await seed(services, asked, "production", expected)
    return version.digest


def told(response: httpx.Response) -> tuple[Any, ...]:
    """All that a caller sees, but for the request's own id."""
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    return response.status_code, sorted(headers.items()), response.content


async def test_what_is_not_remembered_is_left_to_the_usual_way(
    short: httpx.AsyncClient, usual: httpx.AsyncClient, viewer: dict[str, str]
) -> None:
    """The first request after any change goes the usual way, whose answer the next one gets."""
    assert "x-left" in (await short.get(ASK, headers=viewer)).headers
    first = await usual.get(ASK, headers=viewer)
    assert told(await short.get(ASK, headers=viewer)) == told(first)


async def test_both_ways_say_the_same(
    short: httpx.AsyncClient, usual: httpx.AsyncClient, viewer: dict[str, str]
) -> None:
    """Status, headers and bytes, for the whole answer and for an unchanged one; the request's id is echoed."""
    etags = {path: (await usual.get(path, headers=viewer)).headers["etag"] for path in PLAIN}
    tags = {path: (None, etag, f'W/{etag}, "other"', "*", '"other"') for path, etag in etags.items()}
    for path, tag in [(path, tag) for path, some in tags.items() for tag in some]:
        headers = {**viewer, "X-Request-ID": "ci-17", **({} if tag is None else {"If-None-Match": tag})}
        expected = await usual.get(path, headers=headers)
        seen = await short.get(path, headers=headers)
        assert told(seen) == told(expected)
        assert seen.headers["x-request-id"] == expected.headers["x-request-id"] == "ci-17"


async def test_the_unusual_is_left_to_the_usual_way(
    short: httpx.AsyncClient, usual: httpx.AsyncClient, viewer: dict[str, str]
) -> None:
    """Nothing but a plain request is answered here, however often it is asked."""
    for path in (*PLAIN, *UNUSUAL.values()):
        await usual.get(path, headers=viewer)
    for what, path in UNUSUAL.items():
        assert "x-left" in (await short.get(path, headers=viewer)).headers, what


async def test_who_may_not_ask_gets_nothing_from_memory(
    api: ApiClient, services: Services, usual: httpx.AsyncClient, short: httpx.AsyncClient, viewer: dict[str, str]
) -> None:
    """No token, another's, one without a role here, two of them, another method: none is answered."""
    stranger = {"Authorization": f"Bearer {await api.token_for('viewer', project='default', name='other')}"}
    await api.services.identity.revoke_role(
        await api.services.identity.authenticate(api.admin_token), "other", "default", Role.VIEWER
    )
    await heard(services.database, services.watch)
    for headers in (viewer, stranger):
        await usual.get(ASK, headers=headers)
    assert (await short.get(ASK, headers=viewer)).status_code == 200
    wrong: list[Any] = [{}, {"Authorization": "Basic YQ=="}, {"Authorization": f"Bearer sks_{'a' * 43}"}, stranger]
    for headers in [*wrong, [*viewer.items(), *viewer.items()]]:
        assert "x-left" in (await short.get(ASK, headers=headers)).headers
    assert "x-left" in (await short.post(ASK, headers=viewer)).headers


async def test_the_application_tells_a_lapsed_token(api: ApiClient, viewer: dict[str, str], clock: FixedClock) -> None:
    """A token that was remembered and has expired since is refused as any other."""
    for _ in range(2):
        assert (await api.get(ASK, headers=viewer)).status_code == 200
    clock.advance(91 * DAY_MS)
    problem(await api.get(ASK, headers=viewer), 401, "unauthenticated")


async def test_a_moved_pointer_and_a_revoked_token_are_seen_at_once(
    api: ApiClient, services: Services, viewer: dict[str, str]
) -> None:
    """What is remembered lasts until anything is committed, and not one request longer."""
    path = f"{ASK}?selector=production"
    for _ in range(2):
        before = await api.get(path, headers=viewer)
    await move(services, 2, before.json()["digest"])
    after = await api.get(path, headers={**viewer, "If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.json()["number"]) == (200, 2)
    identity = services.identity
    actor = await identity.authenticate(viewer["Authorization"].removeprefix("Bearer "))
    await identity.revoke_token(actor, actor.token_id)
    problem(await api.get(path, headers=viewer), 401, "unauthenticated")


async def test_it_is_counted_as_the_same_operation(
    usual: httpx.AsyncClient, short: httpx.AsyncClient, short_way: ShortWay, viewer: dict[str, str]
) -> None:
    """Metrics name the operation and the status; what is left to the usual way is counted there only."""
    etag = (await usual.get(ASK, headers=viewer)).headers["etag"]
    await short.get(ASK, headers=viewer)
    await short.get(ASK, headers={**viewer, "If-None-Match": etag})
    await short.get(f"{ASK}?selector=v9", headers=viewer)
    lines = generate_latest(short_way.metrics).decode().splitlines()
    counted = [line for line in lines if line.startswith("sekisho_http_requests_total{")]
    assert counted == [
        'sekisho_http_requests_total{operation="resolve",status="200"} 1.0',
        'sekisho_http_requests_total{operation="resolve",status="304"} 1.0',
    ]
