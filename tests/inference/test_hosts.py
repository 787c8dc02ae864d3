"""Ollama hosts that are slow, busy, away, back again, or somebody else's by now."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import msgspec
import pytest

from sekisho.inference.circuit import Circuit, CircuitState
from sekisho.inference.host_pool import HostPool
from sekisho.inference.ollama_host import OllamaHost
from sekisho.inference.ollama_models import OllamaAnswerer
from sekisho.inference.probing import places
from sekisho.inference.service import Inference
from sekisho.inference.types import AnswerRequest, Message
from sekisho.kernel.database import Database
from sekisho.kernel.errors import ModelFailed
from sekisho.kernel.settings import Settings
from tests.clocks import FixedClock
from tests.inference.fake_ollama import CHAT, FakeOllama, running
from tests.inference.test_ollama import manifest

ASK = AnswerRequest((Message("user", "Say one word: gate"),), (), "one word", {"num_predict": 8}, seed=7)
DIGEST = "sha256:" + "a" * 64
Make = Callable[..., OllamaAnswerer]


async def briefly(seconds: float) -> None:
    """Waits that a test can sit through."""
    await asyncio.sleep(min(seconds, 0.02))


@pytest.fixture
def fakes() -> Iterator[list[FakeOllama]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running()) for _ in range(2)]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """An answerer at the hosts of these fakes."""
    hosts: list[OllamaHost] = []
    pools: list[HostPool] = []

    def make(*fakes: FakeOllama, limit_s: float = 10, failures: int = 3, concurrency: int = 1) -> OllamaAnswerer:
        mine = [
            OllamaHost(fake.url, timeout_s=5, concurrency=concurrency, sleep=briefly, circuit=Circuit(failures))
            for fake in fakes
        ]
        hosts.extend(mine)
        pools.append(HostPool())
        return OllamaAnswerer(CHAT, DIGEST, tuple(mine), {"num_ctx": 512}, limit_s, pools[-1], briefly)

    yield make
    for pool in pools:
        await pool.close()
    for host in hosts:
        await host.close()


async def test_a_host_that_restarts_is_waited_for(make: Make) -> None:
    """Ollama goes away between two answers and comes back: the second takes longer, and is given."""
    with running() as fake:
        answerer = make(fake)
        await answerer.answer(ASK)
    later = asyncio.create_task(answerer.answer(replace(ASK, seed=8)))
    await asyncio.sleep(0.3)
    assert not later.done()
    with running(fake):
        assert (await later).text == "seed 8: gate"


async def test_a_host_that_stays_away_fails_within_the_cases_time(make: Make) -> None:
    """The call ends when its time is over, saying what was wrong and what to do."""
    with running() as fake:
        answerer = make(fake, limit_s=0.5)
    started = time.monotonic()
    with pytest.raises(ModelFailed, match="no Ollama host answers at") as raised:
        await answerer.answer(ASK)
    assert time.monotonic() - started < 30
    assert "ollama serve" in str(raised.value)


async def test_a_slow_host_loses_its_case_only(make: Make, fakes: list[FakeOllama]) -> None:
    """An answer later than the case's deadline is none; the message names the limit to raise."""
    fakes[0].seconds = 1.0
    with pytest.raises(ModelFailed, match=r"took longer over tiny:1b than the 0\.2 s") as raised:
        await make(fakes[0], limit_s=0.2).answer(ASK)
    assert "limits.timeout_ms" in str(raised.value)


async def test_waiting_for_a_place_costs_no_time_of_the_case(make: Make, fakes: list[FakeOllama]) -> None:
    """Ten cases behind one place outlast one case's limit together, and none of them is late."""
    fakes[0].seconds = 0.2
    answerer = make(fakes[0], limit_s=1.5)
    answers = await asyncio.gather(*(answerer.answer(replace(ASK, seed=seed)) for seed in range(10)))
    assert [answer.text for answer in answers] == [f"seed {seed}: gate" for seed in range(10)]


async def test_a_slow_host_holds_up_no_more_than_its_places(make: Make, fakes: list[FakeOllama]) -> None:
    """Of two hosts the fast one takes over what the slow one has no place for."""
    fakes[0].seconds = 0.6
    answerer = make(*fakes)
    await asyncio.gather(*(answerer.answer(replace(ASK, seed=seed)) for seed in range(12)))
    assert (len(fakes[0].seen), len(fakes[1].seen)) in {(1, 11), (2, 10)}


async def test_other_hosts_take_over_from_one_that_fails(make: Make, fakes: list[FakeOllama]) -> None:
    """After its failures in a row a host is asked no more, and every answer is given all the same."""
    fakes[0].drops = 1000
    answerer = make(*fakes)
    for seed in range(12):
        assert (await answerer.answer(replace(ASK, seed=seed))).text
    bad = answerer.hosts[0]
    assert bad.circuit.state is not CircuitState.CLOSED
    assert (bad.failures, bad.circuit.opened) == (3, 1)


async def test_a_host_that_is_in_order_again_is_asked_again(make: Make, fakes: list[FakeOllama]) -> None:
    """One trial goes through once the rest is over; when it succeeds the circuit closes."""
    fakes[0].drops = 2
    answerer = make(fakes[0], failures=2)
    assert (await answerer.answer(ASK)).text
    assert answerer.hosts[0].circuit.state is CircuitState.CLOSED
    assert fakes[0].drops == 0


def test_a_circuit_lets_one_trial_through_at_a_time() -> None:
    """Closed, open, half-open, open for longer, closed: what it admits in each, by a clock that is told."""
    now = [0.0]
    circuit = Circuit(2, lambda: now[0])
    for _ in range(2):
        assert circuit.admits
        circuit.begin()
        circuit.failed()
    assert (circuit.state, circuit.admits, circuit.rests_s) == (CircuitState.OPEN, False, 1.0)
    now[0] = 1.0
    assert (circuit.state, circuit.admits) == (CircuitState.HALF_OPEN, True)
    circuit.begin()
    assert not circuit.admits
    circuit.failed()
    assert circuit.rests_s == 2.0
    now[0] = 3.0
    circuit.begin()
    circuit.succeeded()
    assert (circuit.state, circuit.admits, circuit.opened) == (CircuitState.CLOSED, True, 2)


def test_a_circuit_knows_failures_in_a_row_only() -> None:
    """A success between two failures starts the count again; what was abandoned counts as neither."""
    circuit = Circuit(2, lambda: 0.0)
    circuit.failed()
    circuit.succeeded()
    circuit.failed()
    circuit.abandoned()
    assert circuit.state is CircuitState.CLOSED


@pytest.mark.parametrize(("slots", "found"), [(1, 1), (2, 2), (4, 4), (64, 8)])
async def test_places_are_what_a_host_works_on_at_a_time(slots: int, found: int) -> None:
    """Timed alone, then two together, four, eight: the last step that was worth it."""
    at_work = asyncio.Semaphore(slots)

    async def call() -> None:
        async with at_work:
            await asyncio.sleep(0.1)

    number, told = await places(call)
    assert number == found
    assert told.startswith("probed: 1 call took 0.")


async def test_a_host_without_a_setting_is_probed_before_its_first_answer(make: Make, fakes: list[FakeOllama]) -> None:
    """By calls of the same context as the answers to come; how it was decided can be read."""
    fakes[0].seconds, fakes[0].slots = 0.3, threading.Semaphore(2)
    answerer = make(fakes[0], concurrency=0)
    await asyncio.gather(*(answerer.answer(replace(ASK, seed=seed)) for seed in range(6)))
    host = answerer.hosts[0]
    assert host.places == 2, host.decided
    assert "2 together" in host.decided
    assert {call["options"]["num_ctx"] for call in fakes[0].seen} == {512}


async def test_a_host_that_cannot_be_probed_gets_one_place(make: Make) -> None:
    """It is not asked for ever, and the reason is kept."""
    with running() as fake:
        answerer = make(fake, concurrency=0, limit_s=0.3)
    with pytest.raises(ModelFailed):
        await answerer.answer(ASK)
    assert answerer.hosts[0].places == 1
    assert answerer.hosts[0].decided.startswith("not probed: ")


async def test_an_answer_of_another_model_is_not_kept(
    database: Database, clock: FixedClock, fakes: list[FakeOllama]
) -> None:
    """Where the host's model moves during a call, the call fails and the cache does not learn its answer."""
    inference = Inference(Settings(ollama_hosts=(fakes[0].url,), ollama_concurrency=1), database, clock, briefly)
    answerer = await inference.answerer(manifest(CHAT, DIGEST))
    fakes[0].digests[CHAT] = "c" * 64
    with pytest.raises(ModelFailed, match="cccccccccccc"):
        await answerer.answer(ASK)
    fakes[0].digests[CHAT] = "a" * 64
    assert not (await answerer.answer(ASK)).cached
    assert (await answerer.answer(ASK)).cached
    await inference.close()


async def test_offline_answers_come_from_the_cache_alone(
    database: Database, clock: FixedClock, fakes: list[FakeOllama]
) -> None:
    """With every host away, what was asked before is answered the same, and what was not is an error of its own."""
    fakes[0].figures = {"tiny.context_length": 8192}
    settings = Settings(ollama_hosts=(fakes[0].url,), ollama_concurrency=1)
    online = Inference(settings, database, clock, briefly)
    open_ended = msgspec.structs.replace(manifest(CHAT, DIGEST), options={})
    first = await (await online.answerer(open_ended)).answer(ASK)
    await online.close()
    offline = Inference(
        msgspec.structs.replace(settings, ollama_hosts=("http://127.0.0.1:9",)), database, clock, briefly
    )
    answerer = await offline.answerer(open_ended, offline=True)
    assert await answerer.answer(ASK) == replace(first, cached=True)
    with pytest.raises(ModelFailed, match="the cache holds no answer"):
        await answerer.answer(replace(ASK, seed=99))
    await answerer.check()
    await offline.close()
