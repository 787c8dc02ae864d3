"""Liveness, readiness and metrics. None of them needs a token; none says anything of content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from litestar import Response, get
from litestar.types import ControllerRouterHandler
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from sekisho.http.gauges import Gauges
from sekisho.inference.types import HostSeen
from sekisho.kernel.injection import Injected
from sekisho.wiring.readiness import HostCircuits, Readiness

STATES: Final = ("closed", "half-open", "open")


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
async def metrics(gauges: Injected[Gauges], host_circuits: Injected[HostCircuits]) -> bytes:
    """Metrics in Prometheus' text format: this process's requests, what readiness warns of, and how model hosts do."""
    await gauges.refresh()
    return generate_latest(gauges.registry) + generate_latest(circuits(await host_circuits.told()))


def circuits(hosts: Iterable[HostSeen]) -> CollectorRegistry:
    """Each host's circuit breaker as gauges: 1 for the state that it is in, and when a worker last said so."""
    registry = CollectorRegistry()
    state = Gauge(
        "sekisho_model_host_circuit",
        "Whether a model host's circuit breaker is in this state: closed, half-open or open.",
        ["host", "state"],
        registry=registry,
    )
    at = Gauge(
        "sekisho_model_host_seen_seconds",
        "When a worker last said how the model host does, in seconds of the epoch.",
        ["host"],
        registry=registry,
    )
    for host in hosts:
        for name in STATES:
            state.labels(_place(host.host), name).set(host.circuit == name)
        at.labels(_place(host.host)).set(host.at / 1000)
    return registry


def _place(url: str) -> str:
    """The host of an address without the password that may stand in it: nobody needs a token to read metrics."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


handlers: list[ControllerRouterHandler] = [healthz, readyz, metrics]
