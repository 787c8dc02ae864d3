"""A run's progress, as whoever watches it is told."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest
import uvicorn

from sekisho.client.connection import Connection
from sekisho.client.evaluation import Evaluation as Client
from sekisho.evaluation.progress import Progressed, Watch, events
from sekisho.evaluation.types import Hit, Run, RunState
from sekisho.kernel.errors import Forbidden, NotFound
from tests.api_client import ApiClient
from tests.evaluation.fakes import AUTHOR, STRANGER, VIEWER, World
from tests.problems import problem

RUNS = "/v1/projects/default/runs"


async def start(door: ApiClient) -> str:
    asked = {"suite": "suite/docs-retrieval@latest", "subject": "agent/docs@latest"}
    answer = await door.post(RUNS, json=asked, headers=await door.role("author"))
    return str(answer.json()["id"])


async def test_a_run_that_is_not_there_has_no_events(door: ApiClient) -> None:
    """404 before any event, also for another project's run."""
    problem(await door.get(f"{RUNS}/nothing/events", headers=await door.role("viewer")), 404, "not-found")
    problem(await door.get(f"{RUNS}/nothing/events"), 401, "unauthenticated")


async def test_a_run_that_is_over_says_so_at_once(door: ApiClient, world: World) -> None:
    """One event named end, in the format of server-sent events, and the stream is closed."""
    run = await start(door)
    await world.evaluation.execute(await world.claim())
    answer = await door.get(f"{RUNS}/{run}/events", headers=await door.role("viewer"))
    assert answer.headers["content-type"].startswith("text/event-stream")
    name, data = answer.text.strip().splitlines()
    assert name == "event: end"
    told = json.loads(data.removeprefix("data: "))
    assert (told["state"], told["done"], told["planned"]) == ("finished", 12, 12)
    assert "seconds_left" not in told


class Told:
    """A run that is a little further at every look, by a clock that is told."""

    def __init__(self, run: Run, *dones: int) -> None:
        self.now = 0.0
        self.looks = 0
        self._run, self._dones = run, list(dones)

    async def look(self) -> Run:
        self.looks += 1
        done = self._dones.pop(0)
        state = RunState.FINISHED if done == self._run.planned else RunState.RUNNING
        return replace(self._run, state=state, done=done, started_at=0)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def all(self, heartbeat_s: float = 100) -> list[Progressed]:
        stream = events(self.look, 0.5, heartbeat_s=heartbeat_s, sleep=self.sleep, monotonic=lambda: self.now)
        return [event async for event in stream]


@pytest.fixture
async def queued(world: World) -> Run:
    world.agent()
    world.suite()
    return await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval@latest", "agent/docs@latest")


async def test_events_tell_pace_and_time_left(queued: Run) -> None:
    """Only changes are told; two looks give a pace, and what is left of the cases by that pace the time."""
    told = [event.to_json() for event in await Told(queued, 0, 2, 2, 6, 12).all()]
    assert [event["done"] for event in told] == [0, 2, 6, 12]
    assert [event.get("per_second") for event in told] == [None, 4.0, 4.0, 6.0]
    assert [event.get("seconds_left") for event in told] == [None, 2, 2, None]
    assert told[-1]["state"] == "finished"


async def test_a_run_that_stands_still_gives_signs_of_life(queued: Run) -> None:
    """The same again, so that no proxy takes the stream for dead."""
    assert [event.run.done for event in await Told(queued, 1, 1, 1, 1, 12).all(heartbeat_s=1)] == [1, 1, 12]


async def test_many_watchers_are_one_look(queued: Run) -> None:
    """A hundred who watch one run within its interval ask the database once; after it, once more."""
    source = Told(queued, 1, 2, 3)
    watch = Watch(0.5, lambda: source.now)
    seen = await asyncio.gather(*(watch.look(queued.id, source.look) for _ in range(100)))
    assert {run.done for run in seen} == {1}
    source.now = 0.6
    assert (await watch.look(queued.id, source.look)).done == 2
    assert source.looks == 2


async def test_watching_takes_the_right_to_read(world: World, queued: Run) -> None:
    """Asked before the first event."""
    with pytest.raises((NotFound, Forbidden)):
        await world.evaluation.events(STRANGER, "default", queued.id)
    stream = await world.evaluation.events(VIEWER, "default", queued.id)
    assert (await anext(stream)).run.state is RunState.QUEUED


@pytest.fixture
async def address(door: ApiClient) -> AsyncIterator[str]:
    """The application behind a real socket, whose answers come in pieces as they are made."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(cast(Any, door.app), lifespan="off", log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


async def test_a_client_follows_a_run_by_its_events(door: ApiClient, world: World, address: str) -> None:
    """It hears of the queued run, of its cases while they are done, and gets the run once it is over."""
    run, token = await start(door), await door.token_for("viewer")
    slowly = world.index.search
    seen: list[dict[str, Any]] = []

    async def search(query: str, k: int) -> Sequence[Hit]:
        await asyncio.sleep(0.2)
        return await slowly(query, k)

    world.index.search = search  # type: ignore[method-assign]
    connection = Connection(address, token)
    client = Client(connection, "default")
    waiting = asyncio.create_task(asyncio.to_thread(client.wait, run, seen.append))
    async with asyncio.timeout(30):
        while not seen:
            await asyncio.sleep(0.02)
    await world.evaluation.execute(await world.claim())
    ended = await waiting
    connection.close()
    assert ended["summary"]["metrics"]["mrr"]["n"] == 12
    assert seen[0]["state"] == "queued"
    assert "running" in {told["state"] for told in seen}
    assert "engine" not in seen[0]
    assert seen[-1]["done"] == 12


async def test_a_client_asks_where_no_events_come_through(door: ApiClient, world: World) -> None:
    """Behind a proxy that drops the stream it looks again and again, and misses nothing but the pace."""
    run, token = await start(door), await door.token_for("viewer")
    loop = asyncio.get_running_loop()

    def forward(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            raise httpx.RemoteProtocolError("the proxy closed the connection")
        answer = asyncio.run_coroutine_threadsafe(door.get(request.url.path, headers=request.headers), loop).result(20)
        return httpx.Response(answer.status_code, content=answer.content)

    client = Client(Connection("http://sekisho.test", token, transport=httpx.MockTransport(forward)), "default")
    waiting = asyncio.create_task(asyncio.to_thread(client.wait, run, poll_s=0.02))
    await world.evaluation.execute(await world.claim())
    assert (await waiting)["state"] == "finished"
