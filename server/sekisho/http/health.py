"""Liveness, readiness and metrics. None of them needs a token; none says anything of content."""

from __future__ import annotations

from litestar import Response, get
from litestar.types import ControllerRouterHandler
from prometheus_client import generate_latest

from sekisho.http.gauges import Gauges
from sekisho.kernel.injection import Injected
from sekisho.wiring.readiness import Readiness


@get("/healthz", operation_id="healthz", tags=["health"], sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", operation_id="readyz", tags=["health"])
async def readyz(readiness: Injected[Readiness]) -> Response[dict[str, str]]:
    """Every part that a decision needs answers; 503 says which does not, and why.

    Beside `status` stands what somebody should look at, such as an engine's log that differs from its answers.
    """
    if problems := await readiness.problems():
        return Response(problems, status_code=503)
    return Response({"status": "ready", **await readiness.concerns()})


@get("/metrics", operation_id="metrics", tags=["health"], media_type="text/plain; version=0.0.4")
async def metrics(gauges: Injected[Gauges]) -> bytes:
    """Metrics in Prometheus' text format."""
    await gauges.refresh()
    return generate_latest(gauges.registry)


handlers: list[ControllerRouterHandler] = [healthz, readyz, metrics]
