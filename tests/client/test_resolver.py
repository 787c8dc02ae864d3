"""`resolve` in an application: cheap while the server is there, bounded while it is away."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx
import pytest

from sekisho.client import Connection, Resolver
from sekisho.kernel.errors import Conflict, IntegrityFailed, Invalid, NotFound, Revoked, Unavailable, Unwarranted


@dataclass
class Server:
    """Answers as the API does; `away` drops every connection."""

    digest: str = "sha256:" + "1" * 64
    away: bool = False
    refusal: tuple[int, str] | None = None
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.away:
            raise httpx.ConnectError("refused")
        if self.refusal is not None:
            status, slug = self.refusal
            problem = {"type": f"https://sekisho.dev/problems/{slug}", "detail": "said"}
            return httpx.Response(status, json=problem)
        etag = f'"{self.digest}"'
        if request.headers.get("if-none-match") == etag:
            return httpx.Response(304, headers={"etag": etag})
        return httpx.Response(200, headers={"etag": etag}, json={"digest": self.digest})


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def resolver(server: Server, time: Time, *, max_stale_s: float = 300) -> Resolver:
    connection = Connection("http://sekisho.test", "token", transport=httpx.MockTransport(server))
    return Resolver(connection, max_stale_s=max_stale_s, monotonic=time)


def test_a_reference_without_a_selector_is_refused() -> None:
    """An application says which stage it runs at."""
    with pytest.raises(Invalid, match="no selector"):
        resolver(Server(), Time()).resolve("agent/support")


def test_the_second_answer_is_a_304() -> None:
    """The remembered ETag goes along, and the remembered body is given."""
    server = Server()
    client = resolver(server, Time())
    first, second = client.resolve("agent/support@production"), client.resolve("agent/support@production")
    assert server.requests[1].headers["if-none-match"] == f'"{server.digest}"'
    assert first == second
    assert not second.stale


def test_a_moved_pointer_is_seen_at_once() -> None:
    """Another ETag brings another body."""
    server = Server()
    client = resolver(server, Time())
    client.resolve("agent/support@production")
    server.digest = "sha256:" + "2" * 64
    assert client.resolve("agent/support@production").digest == server.digest


def test_while_the_server_is_away_the_last_answer_serves_for_a_bounded_time() -> None:
    """It says that it is stale, and after the bound it is an error."""
    server, time = Server(), Time()
    client = resolver(server, time)
    client.resolve("agent/support@production")
    server.away = True
    time.now = 300
    assert client.resolve("agent/support@production").stale
    time.now = 301
    with pytest.raises(Unavailable):
        client.resolve("agent/support@production")


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [((410, "revoked"), Revoked), ((500, "integrity-failed"), IntegrityFailed), ((503, "unwarranted"), Unwarranted)],
)
def test_what_was_taken_out_of_use_is_not_given_again(refusal: tuple[int, str], kind: type[Exception]) -> None:
    """A refusal of the server is no absence of it: it is an error at once, and the old answer is forgotten."""
    server = Server()
    client = resolver(server, Time())
    client.resolve("agent/support@production")
    server.refusal = refusal
    with pytest.raises(kind):
        client.resolve("agent/support@production")
    server.away = True
    with pytest.raises(Unavailable):
        client.resolve("agent/support@production")


def test_a_server_that_is_away_from_the_start_is_an_error() -> None:
    """Nothing remembered, nothing given."""
    with pytest.raises(Unavailable, match="no Sekisho server answers"):
        resolver(Server(away=True), Time()).resolve("agent/support@production")


@pytest.mark.parametrize(("slug", "status", "kind"), [("not-found", 404, NotFound), ("conflict", 409, Conflict)])
def test_problem_details_come_back_as_their_error(slug: str, status: int, kind: type[Exception]) -> None:
    """With the remedy and every field that the server named."""
    problem = {
        "type": f"https://sekisho.dev/problems/{slug}",
        "detail": "said",
        "remedy": "do this",
        "errors": [{"path": "$.a", "message": "wrong"}],
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=problem))
    with pytest.raises(kind) as caught:
        Connection("http://sekisho.test", transport=transport).get("/v1/x")
    assert str(caught.value) == "said\n  $.a: wrong\n  what to do: do this"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"type": 1}'])
def test_an_error_that_is_no_problem_is_told_as_it_is(body: bytes) -> None:
    """A proxy's page, say."""
    transport = httpx.MockTransport(lambda _: httpx.Response(502, content=body))
    with pytest.raises(Unavailable, match="502"):
        Connection("http://sekisho.test", transport=transport).get("/v1/x")
