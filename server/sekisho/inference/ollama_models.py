"""An Ollama model as an answerer and as an embedder, each pinned to its digest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference.context_size import LEAST, surely_cut
from sekisho.inference.host_pool import HostPool, Patience
from sekisho.inference.ollama_host import (
    TRIES,
    BlockingOllama,
    HostAway,
    OllamaHost,
    Sleeper,
    backoff,
    failure,
    is_passing,
    no_host,
    passing_trouble,
    too_slow,
)
from sekisho.inference.types import Answer, AnswerRequest, Message
from sekisho.inference.vocabulary import counter
from sekisho.kernel.digests import short
from sekisho.kernel.errors import FieldError, Invalid, ModelFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_OPTIONS: Final[Mapping[str, int]] = {"temperature_bp": 0, "num_predict": 512}
"""What decides an answer and neither model nor agent says; ``num_ctx`` then follows from the prompt."""
_BASIS_POINTS: Final[Mapping[str, str]] = {"temperature_bp": "temperature", "top_p_bp": "top_p"}
_WHOLE: Final = frozenset({"num_ctx", "num_predict", "top_k"})
_EMBED_BATCH: Final = 32
# A text that fills the model's whole context may have been cut; the room for the two marks tells them apart.
_MARKS: Final = 2


@dataclass(frozen=True)
class OllamaAnswerer:
    """Asks whichever host has room; all were seen to have exactly this digest.

    One call, with its retries, goes on for at most `limit_s` seconds from when its turn comes.
    """

    model: str
    digest: str
    hosts: tuple[OllamaHost, ...]
    defaults: Mapping[str, int | str]
    limit_s: float = 120
    pool: HostPool = field(default_factory=HostPool)
    sleep: Sleeper = asyncio.sleep

    async def answer(self, request: AnswerRequest) -> Answer:
        options = ollama_options({**self.defaults, **request.options}, request.seed)
        num_ctx = int(options.setdefault("num_ctx", LEAST))
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        host, response, latency = await self._asked(
            num_ctx, lambda host: host.chat(self.model, messages, options, request.schema)
        )
        tokens_in, tokens_out = _counted(host.url, response, num_ctx, request.messages)
        return Answer(
            text=response.message.content or "",
            model_digest=self.digest,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            latency_ms=latency,
            finish=response.done_reason or "stop",
        )

    async def check(self) -> None:
        """Also raises where no host answers, since then nothing is known."""
        if not await self._look():
            raise no_host([host.url for host in self.hosts])

    async def unmoved(self) -> None:
        await self._look()

    async def longest(self) -> int:
        problem = no_host([host.url for host in self.hosts])
        for host in self.hosts:
            try:
                figures = await host.describe(self.model)
            except ModelFailed as error:
                problem = error
                continue
            return next((int(v) for key, v in figures.items() if key.endswith(".context_length")), 0)
        raise problem

    async def _look(self) -> int:
        """How many hosts answer. Raises `ModelFailed` where one has another model than the pinned one."""
        seen = 0
        for host in self.hosts:
            try:
                found = await host.digest(self.model)
            except HostAway:
                continue
            if found != self.digest:
                raise _moved(host, self.model, self.digest, found)
            seen += 1
        return seen

    async def _asked(self, num_ctx: int, call: Call) -> tuple[OllamaHost, Any, int]:
        """An answer, who gave it and in how many milliseconds; asked for again where that may help and time is left."""
        patience, waits = Patience(self.limit_s), iter(backoff())
        tries = 0
        while True:
            host = await self.pool.take(self.hosts, patience, lambda host: self.pool.probe(host, self.model, num_ctx))
            started = time.perf_counter()
            try:
                async with asyncio.timeout(patience.left_s):
                    return host, await call(host), int((time.perf_counter() - started) * 1000)
            except TimeoutError:
                host.failed()
                raise too_slow(host.url, self.model, self.limit_s) from None
            except passing_trouble() as error:
                patience.last = failure(host.url, self.model, error)
                patience.failed.add(host.url)
                tries += not isinstance(error, ConnectionError)
                if tries >= TRIES or not is_passing(error):
                    raise patience.last from error
            finally:
                self.pool.give(host)
            await self._rest(next(waits), patience)

    async def _rest(self, seconds: float, patience: Patience) -> None:
        """Raises what went wrong last where the wait would outlast the call's time."""
        left = patience.left_s
        if patience.last is not None and left is not None and seconds >= left:
            raise patience.last
        await self.sleep(seconds)


Call = Callable[[OllamaHost], Awaitable[Any]]


def _moved(host: OllamaHost, model: str, digest: str, found: str) -> ModelFailed:
    return ModelFailed(
        f"the Ollama host {host.url} has {model} as {short(found)}, and {short(digest)} is what was registered",
        remedy=f"bring {model} at {digest} back to the host, or register the model anew with digest {found}",
    )


def ollama_options(options: Mapping[str, int | str], seed: int) -> dict[str, int | float]:
    """Our integer options in the host's own terms. Raises `Invalid`, naming each option that is not known."""
    known = sorted({*_BASIS_POINTS, *_WHOLE})
    wrong = [
        FieldError(f"$.options.{name}", f"not an option; use {', '.join(known)}, as integers")
        for name, value in options.items()
        if name not in known or not isinstance(value, int)
    ]
    if wrong:
        raise Invalid("the model's options are not valid", fields=wrong)
    merged = {**DEFAULT_OPTIONS, **{name: int(value) for name, value in options.items()}}
    given: dict[str, int | float] = {name: merged[name] for name in sorted(_WHOLE) if name in merged}
    given.update({theirs: merged[ours] / 10_000 for ours, theirs in _BASIS_POINTS.items() if ours in merged})
    return {**given, "seed": seed}


def _counted(url: str, response: Any, num_ctx: int, messages: Sequence[Message]) -> tuple[int, int]:
    """Tokens read and written; raises `ModelFailed` where the host may have cut the prompt or the answer is not whole.

    A prompt over the context is cut silently: then exactly ``num_ctx`` tokens were read, or whole messages left out.
    """
    if not response.done or response.prompt_eval_count is None:
        raise ModelFailed(
            f"the Ollama host {url} gave no whole answer: it did not say that it was done and how much it read",
            remedy="look at the host's log, then try again",
        )
    tokens_in, tokens_out = int(response.prompt_eval_count), int(response.eval_count or 0)
    if tokens_in >= num_ctx or tokens_in + tokens_out > num_ctx or surely_cut(messages, tokens_in, num_ctx):
        raise ModelFailed(
            f"the prompt and its answer do not fit into the model's context of {num_ctx} tokens "
            f"({tokens_in} read, {tokens_out} written), so the host left part of the prompt out",
            remedy="raise num_ctx in the agent's generation settings, or give fewer or shorter passages",
        )
    return tokens_in, tokens_out


@dataclass(frozen=True)
class OllamaEmbedder:
    """Vectors from an Ollama host. What the model cannot read whole is refused, never cut."""

    name: str
    digest: str
    dimension: int
    max_tokens: int
    model: str
    host: BlockingOllama
    counted: Callable[[str], int] | None = None
    """Counts as the host does, without asking it; None where it has to be asked."""

    def count_tokens(self, text: str) -> int:
        count = self.counted(text) if self.counted else _count(self.host, self.model, text)
        return count + _MARKS

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.embed(texts)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        rows = np.empty((len(texts), self.dimension), np.float32)
        # Texts of like length share a request: the host pads each batch to its longest.
        order = sorted(range(len(texts)), key=lambda i: (-len(texts[i]), i))
        for start in range(0, len(texts), _EMBED_BATCH):
            places = order[start : start + _EMBED_BATCH]
            batch = [texts[place] for place in places]
            got = np.asarray(self.host.embed(self.model, batch, truncate=False).embeddings, np.float32)
            if got.shape != (len(batch), self.dimension):
                raise ModelFailed(
                    f"the Ollama host {self.host.url} gave vectors of shape {got.shape} for {len(batch)} texts",
                    remedy=f"check that {self.model} is an embedding model of dimension {self.dimension}",
                )
            rows[places] = unit_rows(got)
        return rows


@lru_cache(maxsize=4096)
def _count(host: BlockingOllama, model: str, text: str) -> int:
    return int(host.embed(model, [text], truncate=True).prompt_eval_count or 0)


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows at length one. Raises `ModelFailed` for a row without direction."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(rows).all() or not (lengths > 0).all():
        raise ModelFailed("the embedding model gave a vector that is zero or not finite", remedy="use another model")
    unit: NDArray[np.float32] = (rows / lengths).astype(np.float32)
    return unit


async def open_embedder(host: OllamaHost, blocking: BlockingOllama, model: str) -> OllamaEmbedder:
    """Raises `ModelFailed` where the host lacks the model, or the model does not embed."""
    digest = await host.digest(model)
    figures = await host.describe(model)
    context = next((int(v) for key, v in figures.items() if key.endswith(".context_length")), 0)
    dimension = next((int(v) for key, v in figures.items() if key.endswith(".embedding_length")), 0)
    if not context or not dimension:
        raise ModelFailed(
            f"the Ollama host {host.url} does not say how long {model}'s texts and vectors are",
            remedy="use an embedding model, such as all-minilm",
        )
    counted = await asyncio.to_thread(_counter, blocking, model, digest)
    return OllamaEmbedder(f"ollama:{model}", digest, dimension, context, model, blocking, counted)


@lru_cache(maxsize=8)
def _counter(host: BlockingOllama, model: str, digest: str) -> Callable[[str], int] | None:
    """Made once for each model at a host: a vocabulary is a megabyte of JSON. `digest` tells a moved name apart."""
    return counter(host.describe(model), lambda text: _count(host, model, text))
