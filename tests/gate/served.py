"""The real application on a port of its own, for what has to come to it over the network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from sekisho.http.app import create_app
from sekisho.wiring.services import Services
from tests.gate.opa import free_port


@asynccontextmanager
async def served(services: Services) -> AsyncIterator[str]:
    """Serve these services, whose life is the caller's matter; gives the address."""
    port = free_port()
    config = uvicorn.Config(create_app(services), port=port, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            while not server.started:
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
