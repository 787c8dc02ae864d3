"""`resolve` on the wire: what is asked for, and an answer made of bytes that are ready.

Encoding headers took longer than finding them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from litestar.types import Receive, Scope, Send

from sekisho.kernel.references import Reference, parse_kind, parse_name, parse_selector
from sekisho.registry.types import Resolved

LATEST: Final = "latest"
REQUEST_ID: Final = b"x-request-id"


@lru_cache(maxsize=4096)
def asked_for(project: str, kind: str, name: str, selector: str = LATEST) -> Reference:
    """What a caller means by these words. `resolve` is asked for the same few over and over. Raises `Invalid`."""
    return Reference(project, parse_kind(kind), parse_name(name), parse_selector(selector))


@dataclass(frozen=True, slots=True)
class Answer:
    """An ASGI application that answers this once, without a body where it is `unchanged` since the caller's ETag."""

    resolved: Resolved
    unchanged: bool

    @property
    def status(self) -> int:
        return 304 if self.unchanged else 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.send(send)

    async def send(self, send: Send, request_id: bytes | None = None) -> None:
        """`request_id` where nothing around adds it."""
        body = b"" if self.unchanged else self.resolved.body
        headers = [(b"etag", self.resolved.etag.encode()), (b"cache-control", b"private, no-cache")]
        if not self.unchanged:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if request_id is not None:
            headers.append((REQUEST_ID, request_id))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the header names the ETag, by RFC 9110's weak comparison."""
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in if_none_match.split(","))
