"""What decides a call, and how calls are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.inference.cache import CachedAnswerer, CallCache, call_key
from sekisho.inference.context_size import LEAST, context_size, estimated_tokens, surely_cut
from sekisho.inference.gathering import Gathering
from sekisho.inference.ollama_models import DEFAULT_OPTIONS
from sekisho.inference.types import Answer, AnswerRequest, Kept, Message
from sekisho.kernel.database import Database
from sekisho.kernel.digests import digest_of
from tests.clocks import FixedClock

DIGEST = digest_of("a model")
ASK = AnswerRequest((Message("user", "Say gate"),), (), "?", seed=7)


class Model:
    """Answers with what it was asked, and counts."""

    digest = DIGEST

    def __init__(self, longest: int = 32_768) -> None:
        self.asked: list[AnswerRequest] = []
        self.looks = 0
        self._longest = longest

    async def answer(self, request: AnswerRequest) -> Answer:
        self.asked.append(request)
        await asyncio.sleep(0)
        return Answer(f"{request.seed} {request.options['num_ctx']}", DIGEST, 3, 2, 5, "stop")

    async def check(self) -> None:
        """It is itself."""

    async def unmoved(self) -> None:
        self.looks += 1

    async def longest(self) -> int:
        return self._longest


def words(n: int) -> AnswerRequest:
    return replace(ASK, messages=(Message("user", "word " * n),))


async def test_many_calls_share_a_trip_and_a_look(database: Database, clock: FixedClock) -> None:
    """Forty answers at once are kept and checked together, and found again one by one."""
    model, cache = Model(), CallCache(database, clock)
    answerer = CachedAnswerer(DIGEST, model, DEFAULT_OPTIONS, cache)
    first = await asyncio.gather(*(answerer.answer(replace(ASK, seed=seed)) for seed in range(40)))
    again = await asyncio.gather(*(answerer.answer(replace(ASK, seed=seed)) for seed in range(40)))
    assert [answer.text for answer in again] == [f"{seed} 4096" for seed in range(40)]
    assert [replace(answer, cached=True) for answer in first] == again
    assert len(model.asked) == 40
    assert model.looks < 10


async def test_the_first_answer_stays(database: Database, clock: FixedClock) -> None:
    """Two workers that asked the same at once both go on with what the cache holds, so that a replay finds it too."""
    one, two = CallCache(database, clock), CallCache(database, clock)
    assert await one.keep([Kept("k", DIGEST, {"text": "first"})]) == [{"text": "first"}]
    assert await two.keep([Kept("k", DIGEST, {"text": "second"})]) == [{"text": "first"}]


async def test_the_context_follows_from_the_prompt_and_decides_the_answer(
    database: Database, clock: FixedClock
) -> None:
    """A long prompt is given a larger context; the size stands in the request and in the key."""
    model = Model()
    answerer = CachedAnswerer(DIGEST, model, DEFAULT_OPTIONS, CallCache(database, clock))
    assert (await answerer.answer(words(10))).text == "7 4096"
    assert (await answerer.answer(words(3000))).text == "7 8192"
    assert (await answerer.answer(words(30_000))).text == "7 32768"  # the model's own limit
    keys = {call_key(DIGEST, request) for request in (*model.asked, replace(model.asked[0], options={"num_ctx": 1}))}
    assert len(keys) == 4


@pytest.mark.parametrize("where", ["manifest", "agent"])
async def test_a_context_that_is_given_is_taken(database: Database, clock: FixedClock, where: str) -> None:
    """Neither the manifest's nor the agent's num_ctx is overruled, and the host is not asked for the model's own."""
    model = Model()
    given = {"num_ctx": 777}
    answerer = CachedAnswerer(
        DIGEST, model, {**DEFAULT_OPTIONS, **(given if where == "manifest" else {})}, CallCache(database, clock)
    )
    assert (await answerer.answer(replace(ASK, options=given if where == "agent" else {}))).text == "7 777"


@given(st.text(max_size=2000), st.integers(1, 4096), st.integers(0, 65_536))
def test_a_context_size_is_a_power_of_two_or_the_models_own(text: str, num_predict: int, longest: int) -> None:
    """Large enough for the estimate and the answer unless the model ends there; the same each time."""
    messages = [Message("user", text)]
    size = context_size(messages, num_predict, longest)
    assert size == longest or (size >= LEAST and size & (size - 1) == 0)
    assert size == longest or size >= estimated_tokens(messages) + num_predict
    assert size == context_size(messages, num_predict, longest)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The barrier station on an old road where every traveller showed papers.", 14),
        ("関所は、旅人が通行手形を見せた場所である。", 24),
        ("2026-11-25T08:37:18 1234567890", 30),
        ("x = {'a': [1, 2, 3]}", 17),
    ],
)
def test_the_estimate_is_on_the_long_side(text: str, tokens: int) -> None:
    """`tokens` is what SmolLM2's own tokeniser counts, or more; the estimate of the text alone is never below it."""
    frame = estimated_tokens([Message("user", "")])
    assert tokens <= estimated_tokens([Message("user", text)]) - frame <= 4 * tokens


def test_messages_left_out_are_noticed() -> None:
    """A chat that cannot have fitted, of which far fewer tokens were read than it has, was cut."""
    chat = [Message("user", "word " * 2000), Message("assistant", "yes"), Message("user", "and now?")]
    assert surely_cut(chat, tokens_in=40, num_ctx=2048)
    assert not surely_cut(chat, tokens_in=2010, num_ctx=2048)
    assert not surely_cut(chat[2:], tokens_in=5, num_ctx=16)


async def test_who_asks_together_travels_together() -> None:
    """Items of one moment go in one trip, those that come meanwhile in the next; each gets its own result."""
    trips: list[list[int]] = []

    async def work(items: Sequence[int]) -> list[int]:
        trips.append(list(items))
        await asyncio.sleep(0.01)
        return [item * 2 for item in items]

    gathering = Gathering(work)
    first = [asyncio.create_task(gathering(n)) for n in range(3)]
    await asyncio.sleep(0.005)
    later = asyncio.create_task(gathering(9))
    assert await asyncio.gather(*first, later) == [0, 2, 4, 18]
    assert trips == [[0, 1, 2], [9]]


async def test_a_failed_trip_is_everybodys_and_only_that_one() -> None:
    """Its error reaches each who travelled; who gave up before is left out; the next trip goes."""
    seen: list[list[int]] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        seen.append(list(items))
        await asyncio.sleep(0.005)
        if 13 in items:
            raise ValueError("13")
        return items

    gathering = Gathering(work)
    gone = asyncio.create_task(gathering(1))
    await asyncio.sleep(0)
    gone.cancel()
    results = await asyncio.gather(gathering(13), gathering(2), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]
    assert await gathering(5) == 5
    assert seen == [[13, 2], [5]]
