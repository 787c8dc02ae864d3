"""Per request: an id, one structured log line, and metrics for Prometheus."""

from __future__ import annotations

import re
import time
import uuid
from typing import Final

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram

from sekisho.kernel.logging import get_logger

HEADER: Final = "X-Request-ID"
_SAFE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Telemetry(ASGIMiddleware):
    """Takes the caller's request id where it is well-formed, else makes one; echoes it in the response."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, registry: CollectorRegistry) -> None:
        self._log = get_logger("sekisho.access")
        self._requests = Counter(
            "sekisho_http_requests_total",
            "Requests by operation and status.",
            ["operation", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "sekisho_http_request_seconds", "Time to answer, by operation.", ["operation"], registry=registry
        )

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
        request_id = given if _SAFE.fullmatch(given) else uuid.uuid4().hex
        scope["sekisho_request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        started, status = time.perf_counter(), 500

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableScopeHeaders(message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await next_app(scope, receive, observe)
            finally:
                seconds = time.perf_counter() - started
                handler = scope.get("route_handler")
                operation = str(getattr(handler, "operation_id", None) or "other")
                self._requests.labels(operation, str(status)).inc()
                self._seconds.labels(operation).observe(seconds)
                self._log.info(
                    "request",
                    method=scope.get("method"),
                    path=scope["path"],
                    status=status,
                    ms=round(seconds * 1000, 1),
                )
