"""Runs commands of the CLI against the application of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click
import httpx
from click.testing import CliRunner, Result
from structlog.testing import capture_logs
from tests.api_client import ApiClient

from sekisho.cli import Rooms
from sekisho.cli.session import Session
from sekisho.client import Client
from sekisho.client.connection import Connection


class Bridge(httpx.BaseTransport):
    """Carries a command's blocking requests to the application in the test's event loop."""

    def __init__(self, api: ApiClient, loop: asyncio.AbstractEventLoop) -> None:
        self._api, self._loop = api, loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = asyncio.run_coroutine_threadsafe(self._forward(request), self._loop).result(60)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def _forward(self, request: httpx.Request) -> httpx.Response:
        return await self._api.request(
            request.method, request.url, headers=request.headers, content=request.read() or None
        )


async def run(api: ApiClient, token: str, commands: Sequence[click.Command], *words: str) -> Result:
    """What ``sekisho <words>`` prints and how it exits, with this token."""
    client = Client("http://sekisho.test", token)
    client.connection = Connection("http://sekisho.test", token, transport=Bridge(api, asyncio.get_running_loop()))
    state = Session()
    state.__dict__["client"] = client
    group = Rooms("sekisho", commands=list(commands))
    with capture_logs():  # the application's log lines would mix with what the command prints
        return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)
