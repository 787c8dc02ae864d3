"""Per request: an id, one structured log line, and metrics for Prometheus."""

from __future__ import annotations

import re
import time
import uuid
from typing import Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram
from structlog.contextvars import bind_contextvars, reset_contextvars

from sekisho.kernel.logging import RequestLog

HEADER: Final = b"x-request-id"
_SAFE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Telemetry(ASGIMiddleware):
    """Takes the caller's request id where it is well-formed, else makes one; echoes it in the response."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, registry: CollectorRegistry) -> None:
        self._log = RequestLog()
        self._requests = Counter(
            "sekisho_http_requests_total",
            "Requests by operation and status.",
            ["operation", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "sekisho_http_request_seconds", "Time to answer, by operation.", ["operation"], registry=registry
        )
        # Looking a labelled metric up takes longer than counting in it. There are few operations and statuses.
        self._labelled: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER), "")
        request_id = given if _SAFE.fullmatch(given) else uuid.uuid4().hex
        scope["sekisho_request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        started, status = time.perf_counter(), 500

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
            await send(message)

        bound = bind_contextvars(request_id=request_id)
        try:
            await next_app(scope, receive, observe)
        finally:
            seconds = time.perf_counter() - started
            self._measure(scope, status, seconds)
            self._log.write(
                request_id=request_id,
                method=str(scope.get("method")),
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 1),
            )
            reset_contextvars(**bound)

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        operation = str(getattr(scope.get("route_handler"), "operation_id", None) or "other")
        found = self._labelled.get((operation, status))
        if found is None:
            found = self._requests.labels(operation, str(status)), self._seconds.labels(operation)
            self._labelled[operation, status] = found
        requests, times = found
        requests.inc()
        times.observe(seconds)
