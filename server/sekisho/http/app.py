"""The application: controllers of every room, one authentication, one error mapping."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final, cast

from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import ValidationException
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import (
    ControllerRouterHandler,
    HTTPScope,
    LifeSpanReceive,
    LifeSpanScope,
    LifeSpanSend,
    Receive,
    Scope,
    Send,
)
from prometheus_client import CollectorRegistry

from sekisho.http.alarms import AlarmMetrics
from sekisho.http.documentation import asset_router, openapi_config
from sekisho.http.gauges import Gauges
from sekisho.http.health import handlers as health_handlers
from sekisho.http.problems import problem_plugin, validation_problem
from sekisho.http.shortcut import Shortcut
from sekisho.http.strictness import refuse_sloppy_input
from sekisho.http.telemetry import Telemetry
from sekisho.identity.bearer import actor_of
from sekisho.identity.service import Identity
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected
from sekisho.wiring.services import Services

ROOMS: Final = ("ledger", "identity", "registry", "inference", "indexing", "evaluation", "evidence", "gate")


class Application(Litestar):
    """Litestar with a short way past it, and without the plugins for Pydantic and attrs.

    It would load them for whoever has the packages, and Chroma brings Pydantic along. Nothing here is made of either.
    """

    def __init__(self, shortcut: Shortcut, **options: Any) -> None:
        super().__init__(**options)
        self._shortcut = shortcut

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        # The casts say what this type of scope implies.
        if scope["type"] == ScopeType.HTTP and await self._shortcut.answered(
            cast(HTTPScope, scope), cast(Receive, receive), cast(Send, send)
        ):
            return
        await super().__call__(scope, receive, send)

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


async def provide_actor(request: Request[Any, Any, Any], identity: Injected[Identity]) -> Actor:
    """Who is asking, by the bearer token. Raises `Unauthenticated`."""
    return await actor_of(request.headers.get("authorization", ""), identity)


def create_app(services: Services) -> Litestar:
    """Build the application on ready-made services. It starts them and closes them with its own life."""
    registry = CollectorRegistry()
    telemetry = Telemetry(registry)
    registry.register(AlarmMetrics(services.alarms.counts))
    controllers: list[ControllerRouterHandler] = []
    for room in ROOMS:
        controllers += import_module(f"sekisho.{room}.api").controllers

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await services.start()
        try:
            yield
        finally:
            await services.close()

    return Application(
        Shortcut(services.identity, services.registry, telemetry),
        route_handlers=[
            *health_handlers,
            asset_router(),
            Router("/", route_handlers=controllers, before_request=refuse_sloppy_input),
        ],
        dependencies={
            "actor": Provide(provide_actor),
            "gauges": _constant(Gauges(registry, services.readiness, services.decision_logs)),
            # These two change while the process runs.
            "policy": Provide(services.policy_now),
            "bundle": Provide(services.bundle_now),
            **{name: _constant(service) for name, service in services.by_name().items()},
        },
        state=State(services.by_name()),  # for handlers that are too hot for dependency injection
        lifespan=[lifespan],
        middleware=[telemetry],
        plugins=[problem_plugin()],
        exception_handlers={ValidationException: validation_problem},
        openapi_config=openapi_config(),
        logging_config=None,  # Litestar's own would take the place of ours, which `configure_logging` sets up
        request_max_body_size=services.settings.max_file_bytes + 65_536,
        debug=False,
    )


def _constant(value: Any) -> Provide:
    def provide() -> Any:
        return value

    return Provide(provide, sync_to_thread=False, use_cache=True)
