"""Per request: an id, one structured log line, and metrics for Prometheus."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from typing import Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram
from structlog.contextvars import bind_contextvars, reset_contextvars

from sekisho.kernel.logging import RequestLog
from sekisho.registry.answers import REQUEST_ID

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

    def request_id(self, headers: Mapping[bytes, bytes]) -> str:
        """The caller's, where it is well-formed, else a new one."""
        given = headers.get(REQUEST_ID, b"").decode("latin-1")
        return given if _SAFE.fullmatch(given) else os.urandom(16).hex()

    def finished(self, request_id: str, operation: str, method: str, path: str, status: int, seconds: float) -> None:
        """Count and log a request that was answered."""
        self._measure(operation, status, seconds)
        self._log.write(request_id=request_id, method=method, path=path, status=status, ms=round(seconds * 1000, 1))

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request_id = self.request_id(dict(scope["headers"]))
        scope["sekisho_request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        started, status = time.perf_counter(), 500

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, request_id.encode())]
            await send(message)

        bound = bind_contextvars(request_id=request_id)
        try:
            await next_app(scope, receive, observe)
        finally:
            operation = str(getattr(scope.get("route_handler"), "operation_id", None) or "other")
            method, path = str(scope.get("method")), scope["path"]
            self.finished(request_id, operation, method, path, status, time.perf_counter() - started)
            reset_contextvars(**bound)

    def _measure(self, operation: str, status: int, seconds: float) -> None:
        found = self._labelled.get((operation, status))
        if found is None:
            found = self._requests.labels(operation, str(status)), self._seconds.labels(operation)
            self._labelled[operation, status] = found
        requests, times = found
        requests.inc()
        times.observe(seconds)
