"""The answer of `resolve` on the wire, made of bytes that are ready: encoding headers took longer than finding them."""

from __future__ import annotations

from dataclasses import dataclass

from litestar.types import Receive, Scope, Send

from sekisho.registry.types import Resolved


@dataclass(frozen=True, slots=True)
class Answer:
    """An ASGI application that answers this once, without a body where it is `unchanged` since the caller's ETag."""

    resolved: Resolved
    unchanged: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b"" if self.unchanged else self.resolved.body
        headers = [(b"etag", self.resolved.etag.encode()), (b"cache-control", b"private, no-cache")]
        if not self.unchanged:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 304 if self.unchanged else 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the header names the ETag, by RFC 9110's weak comparison."""
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in if_none_match.split(","))
