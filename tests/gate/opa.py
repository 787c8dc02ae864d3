"""A real OPA that pulls its bundle from a server of the test's own."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sekisho.gate.bundle import jwt_algorithm
from sekisho.ledger.signing import PublicKey

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """An HTTP server that answers everything by `handler`; gives its address."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    application = web.Application(client_max_size=1 << 26)
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@dataclass
class BundleHost:
    """Serves one bundle, with an ETag, and counts what was asked."""

    data: bytes
    pulls: int = field(default=0)
    unchanged: int = field(default=0)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.pulls += 1
        etag = f'"{hashlib.sha256(self.data).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            self.unchanged += 1
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=self.data, headers={"ETag": etag}, content_type="application/gzip")

    async def pulled_again(self) -> None:
        """Wait until OPA has asked twice more: what stands here now was seen and dealt with."""
        target = self.pulls + 2
        async with asyncio.timeout(20):
            while self.pulls < target:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def opa_pulling(
    binary: str, host_url: str, key: PublicKey, folder: Path, *, bundle: str = "/bundle", log_token: str = ""
) -> AsyncIterator[str]:
    """An OPA server that pulls the bundle of that host every second and trusts this key only; gives its address.

    With a token it also sends its decision log there.
    """
    async with opa_process(binary, opa_config(host_url, key, bundle, log_token), folder) as (url, _):
        yield url


def opa_config(host_url: str, key: PublicKey, bundle: str = "/bundle", log_token: str = "") -> dict[str, Any]:
    config: dict[str, Any] = {
        "services": {"sekisho": {"url": host_url}},
        "keys": {"sekisho": {"algorithm": jwt_algorithm(key.algorithm), "key": key.pem}},
        "bundles": {
            "sekisho": {
                "service": "sekisho",
                "resource": bundle,
                "signing": {"keyid": "sekisho"},
                "polling": {"min_delay_seconds": 1, "max_delay_seconds": 1},
            }
        },
    }
    if log_token:
        config["services"]["sekisho"]["credentials"] = {"bearer": {"token": log_token}}
        reporting = {"min_delay_seconds": 1, "max_delay_seconds": 1, "upload_size_limit_bytes": 8 << 20}
        config["decision_logs"] = {"service": "sekisho", "resource": "/v1/policy/decision-logs", "reporting": reporting}
    return config


@asynccontextmanager
async def opa_process(
    binary: str, config: dict[str, Any], folder: Path, port: int = 0
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """An OPA server under this configuration; gives its address and its process."""
    path = folder / "opa.json"
    path.write_text(json.dumps(config))
    port = port or free_port()
    process = await asyncio.create_subprocess_exec(
        binary, "run", "--server", "--addr", f"127.0.0.1:{port}", "--config-file", str(path),
        "--log-level", "error", "--skip-version-check",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        await _answers(f"{url}/health")
        yield url, process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def ready(url: str) -> None:
    """Wait until OPA has activated its bundle."""
    await _answers(f"{url}/health?bundles")


async def _answers(url: str) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
