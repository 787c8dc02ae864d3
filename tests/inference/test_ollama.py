"""The contract with an Ollama host, run against a fake over real HTTP and against a real host."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import pytest

from sekisho.inference.ollama_host import BlockingOllama, OllamaHost
from sekisho.inference.ollama_models import OllamaAnswerer, OllamaEmbedder, open_embedder
from sekisho.inference.service import Inference
from sekisho.inference.types import AnswerRequest, Message
from sekisho.inference.vocabulary import PROBES, counter
from sekisho.kernel.database import Database
from sekisho.kernel.errors import Invalid, ModelFailed
from sekisho.kernel.settings import Settings
from sekisho.registry.manifests import ModelManifest
from tests.clocks import FixedClock
from tests.conftest import service_url
from tests.inference.fake_ollama import CHAT, EMBED, FakeOllama, running

ASK = AnswerRequest((Message("user", "Say one word: gate"),), (), "one word", {"num_predict": 8}, seed=7)


async def no_sleep(_: float) -> None:
    return


@dataclass(frozen=True)
class Target:
    """An Ollama host to hold to the contract."""

    url: str
    chat: str
    embed: str


@pytest.fixture(params=["fake", "real"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    if request.param == "real":
        url = service_url("SEKISHO_TEST_OLLAMA_URL")
        yield Target(url, os.environ["SEKISHO_TEST_OLLAMA_CHAT_MODEL"], os.environ["SEKISHO_TEST_OLLAMA_EMBED_MODEL"])
        return
    with running() as fake:
        yield Target(fake.url, CHAT, EMBED)


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with running() as fake:
        yield fake


@pytest.fixture
async def inference(database: Database, clock: FixedClock, target: Target) -> AsyncIterator[Inference]:
    inference = Inference(Settings(ollama_hosts=(target.url,), ollama_concurrency=1), database, clock, no_sleep)
    yield inference
    await inference.close()


def manifest(name: str, digest: str, **options: int) -> ModelManifest:
    return msgspec.convert(
        {
            "schema": "sekisho.model/v1",
            "name": name,
            "digest": digest,
            "family": "tiny",
            "licence": "Apache-2.0",
            "provider": "ollama",
            "options": {"num_ctx": 512, **options},
        },
        ModelManifest,
    )


async def answerer_of(host: OllamaHost, model: str = CHAT, num_ctx: int = 512) -> OllamaAnswerer:
    return OllamaAnswerer(model, await host.digest(model), (host,), {"num_ctx": num_ctx})


@pytest.fixture
async def host(fake: FakeOllama) -> AsyncIterator[OllamaHost]:
    host = OllamaHost(fake.url, timeout_s=5, concurrency=1, sleep=no_sleep)
    yield host
    await host.close()


async def test_a_missing_model_is_named(inference: Inference) -> None:
    """The error says which model, and how to get it."""
    with pytest.raises(ModelFailed, match="does not have the model nothing-such") as raised:
        await inference.answerer(manifest("nothing-such", "sha256:" + "0" * 64))
    assert "ollama pull nothing-such" in str(raised.value)


async def test_another_digest_is_refused(inference: Inference, target: Target) -> None:
    """The tag is there, but not under the registered digest: no answer is asked for."""
    with pytest.raises(ModelFailed, match="registered digest"):
        await inference.answerer(manifest(target.chat, "sha256:" + "0" * 64))


async def test_the_same_seed_gives_the_same_answer(inference: Inference, target: Target) -> None:
    """An answer is made once; asked again it comes from the cache, and the model is still the pinned one."""
    digest = await inference.hosts[0].digest(target.chat)
    answerer = await inference.answerer(manifest(target.chat, digest))
    first = await answerer.answer(ASK)
    again = await answerer.answer(ASK)
    assert first.text
    assert first.tokens_in > 0
    assert not first.cached
    assert again == replace(first, cached=True)
    other = await answerer.answer(replace(ASK, repeat=1))
    assert not other.cached
    await answerer.check()


async def test_a_cut_prompt_is_an_error(inference: Inference, target: Target) -> None:
    """A prompt over num_ctx would be cut silently; it fails instead, saying what to raise."""
    digest = await inference.hosts[0].digest(target.chat)
    answerer = await inference.answerer(manifest(target.chat, digest))
    long = replace(ASK, messages=(Message("user", "word " * 900),), options={"num_ctx": 256, "num_predict": 4})
    with pytest.raises(ModelFailed, match="do not fit") as raised:
        await answerer.answer(long)
    assert "num_ctx" in (raised.value.remedy or "")


async def test_an_answer_follows_its_schema(inference: Inference, target: Target) -> None:
    """With a JSON Schema the text is JSON of that shape."""
    digest = await inference.hosts[0].digest(target.chat)
    answerer = await inference.answerer(manifest(target.chat, digest))
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    answer = await answerer.answer(replace(ASK, schema=schema, options={"num_predict": 40}))
    assert isinstance(json.loads(answer.text)["yes"], bool)


async def test_embedding_gives_unit_rows(inference: Inference, target: Target) -> None:
    """One float32 row of length one per text, in the texts' order; none for none."""
    embedder = await inference.embedder(f"ollama:{target.embed}")
    texts = [f"passage number {n} on gates" for n in range(40)]
    rows = await asyncio.to_thread(embedder.embed, texts)
    alone = await asyncio.to_thread(embedder.embed, texts[33:34])
    assert rows.shape == (40, embedder.dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert float(rows[33] @ alone[0]) > 0.999
    assert (await asyncio.to_thread(embedder.embed, [])).shape == (0, embedder.dimension)
    counted = await asyncio.to_thread(embedder.count_tokens, "three plain words")
    assert 3 <= counted <= 8


async def test_a_text_too_long_to_embed_is_an_error(inference: Inference, target: Target) -> None:
    """The embedder never cuts a text silently."""
    embedder = await inference.embedder(f"ollama:{target.embed}")
    assert await asyncio.to_thread(embedder.count_tokens, "word " * 2000) > embedder.max_tokens
    with pytest.raises(ModelFailed, match="exceeds maximum context length"):
        await asyncio.to_thread(embedder.embed, ["word " * 2000])


async def test_tokens_are_counted_here_where_the_rules_are_known(inference: Inference, target: Target) -> None:
    """By the vocabulary that the host tells, and as the host counts; else the host is asked, as ever."""
    embedder = await inference.embedder(f"ollama:{target.embed}")
    assert isinstance(embedder, OllamaEmbedder)
    assert (embedder.counted is None) == (target.embed == EMBED)
    for text in ("three plain words", "Ünïcode — 関所の承認。", "x" * 300, ""):
        if embedder.counted is not None and text:
            asked = await asyncio.to_thread(embedder.host.embed, embedder.model, [text], truncate=True)
            assert embedder.counted(text) == asked.prompt_eval_count


@pytest.mark.parametrize("figures", [{}, {"tokenizer.ggml.model": "llama"}, {"tokenizer.ggml.model": "bert"}])
def test_unknown_rules_are_not_guessed(figures: dict[str, Any]) -> None:
    """A model that tells no vocabulary, or that of another tokenizer, is asked text by text."""
    assert counter(figures, len) is None


def test_a_host_that_counts_otherwise_is_believed() -> None:
    """The vocabulary counts for nothing where the two differ on any probe."""
    figures = {"tokenizer.ggml.model": "bert", "tokenizer.ggml.tokens": ["[UNK]", "▁the", "▁gate"]}
    assert counter(figures, len) is None
    here = {probe: len(re.findall(r"\w+|[^\w\s]", probe)) for probe in PROBES}
    assert counter(figures, lambda text: here[text]) is None


async def test_a_chat_model_is_no_embedder(host: OllamaHost, fake: FakeOllama) -> None:
    """A model that does not say how long its vectors are is refused."""
    with pytest.raises(ModelFailed, match="how long"):
        await open_embedder(host, BlockingOllama(fake.url, timeout_s=5), CHAT)


async def test_a_host_that_is_down_is_named(clock: FixedClock, database: Database) -> None:
    """After its tries the error names the address and the setting; a listing shows the host as away."""
    inference = Inference(Settings(ollama_hosts=("http://127.0.0.1:9",)), database, clock, no_sleep)
    with pytest.raises(ModelFailed, match=r"no Ollama host answers at http://127.0.0.1:9"):
        await inference.answerer(manifest(CHAT, "sha256:" + "a" * 64))
    states = await inference.available()
    assert [state.reachable for state in states] == [True, False]
    await inference.close()


async def test_without_hosts_the_setting_is_named(clock: FixedClock, database: Database) -> None:
    """An Ollama model where no host is set: the remedy is the setting."""
    with pytest.raises(ModelFailed) as raised:
        await Inference(Settings(), database, clock).answerer(manifest(CHAT, "sha256:" + "a" * 64))
    assert "SEKISHO_OLLAMA_HOSTS" in str(raised.value)


async def test_a_connection_dropped_once_is_tried_again(host: OllamaHost, fake: FakeOllama) -> None:
    """One hang-up in the middle of an answer costs a try, not the answer."""
    fake.drops, fake.busy = 1, 1
    assert (await (await answerer_of(host)).answer(ASK)).text == "seed 7: gate"


async def test_a_connection_that_keeps_dropping_fails(host: OllamaHost, fake: FakeOllama) -> None:
    """Tries are bounded; half an answer is never an answer."""
    fake.drops = 10
    with pytest.raises(ModelFailed, match="dropped the connection"):
        await (await answerer_of(host)).answer(ASK)
    assert fake.drops == 7


@pytest.mark.parametrize("fault", ["garbage", "unfinished"])
async def test_an_answer_that_is_none_fails(host: OllamaHost, fake: FakeOllama, fault: str) -> None:
    """A page that is not Ollama's, and an answer that is not done."""
    answerer = await answerer_of(host)
    setattr(fake, fault, True)
    with pytest.raises(ModelFailed):
        await answerer.answer(ASK)


async def test_a_model_that_moves_during_a_run_is_noticed(host: OllamaHost, fake: FakeOllama) -> None:
    """The check at the run's end compares the digest again."""
    answerer = await answerer_of(host)
    fake.digests[CHAT] = "c" * 64
    with pytest.raises(ModelFailed, match="cccccccccccc"):
        await answerer.check()


async def test_requests_in_flight_are_bounded(fake: FakeOllama) -> None:
    """As many at a time as the setting allows, however many are asked for."""
    host = OllamaHost(fake.url, timeout_s=5, concurrency=2, sleep=no_sleep)
    answerer = await answerer_of(host)
    await asyncio.gather(*(answerer.answer(replace(ASK, seed=n)) for n in range(8)))
    await host.close()
    assert fake.most_in_flight <= 2
    assert len(fake.seen) == 8


async def test_what_is_sent_is_explicit(host: OllamaHost, fake: FakeOllama) -> None:
    """Seed, temperature and context stand in every request: nothing is left to the host's defaults."""
    await (await answerer_of(host)).answer(replace(ASK, options={"temperature_bp": 2500}))
    options = fake.seen[-1]["options"]
    assert options == {"num_ctx": 512, "num_predict": 512, "seed": 7, "temperature": 0.25}


async def test_an_unknown_option_is_named(host: OllamaHost) -> None:
    """Options are few and known; another one is refused by its name."""
    with pytest.raises(Invalid, match=r"\$\.options\.mirostat"):
        await (await answerer_of(host)).answer(replace(ASK, options={"mirostat": 1}))
