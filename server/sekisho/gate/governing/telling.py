"""A proposal under way, told as it goes: how many decisions were judged, and at last the proposal or what is wrong.

Whoever stops listening stops the work: nothing is kept before the last decision was judged.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, Final, cast

import msgspec
from litestar import Response
from litestar.response import ServerSentEvent, ServerSentEventMessage
from litestar.response.base import ASGIResponse

from sekisho.gate.governing.flips import Judged
from sekisho.kernel.errors import SekishoError

STREAM: Final = "text/event-stream"
ALIVE_S: Final = 10.0
"""How often what is known is said again while nothing changes, so that nobody takes the connection for dead."""

Events = AsyncGenerator[tuple[str, dict[str, Any]], None]


async def told(work: Callable[[Judged], Awaitable[dict[str, Any]]], alive_s: float = ALIVE_S) -> Events:
    """`progress` with what was judged of how many, then `done` with the result or `problem` with problem details."""
    news: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
    task = asyncio.ensure_future(work(lambda done, total: news.put_nowait((done, total))))
    said = (0, 0)
    try:
        while not (task.done() and news.empty()):
            said = await _next(news, task, alive_s) or said
            if not task.done():
                yield "progress", {"judged": said[0], "of": said[1]}
        yield _ending(task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _next(
    news: asyncio.Queue[tuple[int, int]], task: asyncio.Future[dict[str, Any]], alive_s: float
) -> tuple[int, int] | None:
    """The newest there is to say; None after a while, or once all is done."""
    waiting = asyncio.ensure_future(news.get())
    either: set[asyncio.Future[Any]] = {waiting, task}
    await asyncio.wait(either, timeout=alive_s, return_when=asyncio.FIRST_COMPLETED)
    newest = waiting.result() if waiting.done() else None
    waiting.cancel()
    while not news.empty():
        newest = news.get_nowait()
    return newest


def _ending(task: asyncio.Future[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    try:
        return "done", task.result()
    except SekishoError as error:
        return "problem", _problem(error)


def _problem(error: SekishoError) -> dict[str, Any]:
    """The problem details that the same request would have been answered with, had it not begun to stream."""
    slug = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
    fields = [{"path": field.path, "message": field.message} for field in error.fields]
    body = {"type": slug, "title": error.title, "detail": error.detail, "remedy": error.remedy, "errors": fields}
    return {name: value for name, value in body.items() if value}


class Streamed(ServerSentEvent):
    """Events as the answer of a handler that mostly answers in JSON: the stream's own media type is used."""

    def __init__(self, events: Events) -> None:
        super().__init__(_messages(events))

    def to_asgi_response(self, *where: Any, **options: Any) -> ASGIResponse:
        return super().to_asgi_response(*where, **{**options, "media_type": STREAM})


async def answered(
    work: Callable[[Judged], Awaitable[dict[str, Any]]], accept: str, status_code: int | None = None
) -> Response[dict[str, Any]]:
    """What comes of the work: as events where `accept` asks for them, else in one piece at its end."""
    if STREAM in accept:
        # To the document of the API it is the same answer, told in another way.
        return cast("Response[dict[str, Any]]", Streamed(told(work)))
    return Response(await work(_silent), status_code=status_code)


def _silent(_done: int, _total: int) -> None:
    """Nobody wants to hear how far it is."""


async def _messages(events: Events) -> AsyncIterator[ServerSentEventMessage]:
    async for name, body in events:
        yield ServerSentEventMessage(data=msgspec.json.encode(body), event=name)
