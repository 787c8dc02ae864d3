"""An Ollama model as an answerer and as an embedder, each pinned to its digest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference.ollama_host import BlockingOllama, OllamaHost
from sekisho.inference.types import Answer, AnswerRequest
from sekisho.inference.vocabulary import counter
from sekisho.kernel.digests import short
from sekisho.kernel.errors import FieldError, Invalid, ModelFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_OPTIONS: Final[Mapping[str, int]] = {"temperature_bp": 0, "num_ctx": 4096, "num_predict": 512}
_BASIS_POINTS: Final[Mapping[str, str]] = {"temperature_bp": "temperature", "top_p_bp": "top_p"}
_WHOLE: Final = frozenset({"num_ctx", "num_predict", "top_k"})
_EMBED_BATCH: Final = 32
# A text that fills the model's whole context may have been cut; the room for the two marks tells them apart.
_MARKS: Final = 2


@dataclass(frozen=True)
class OllamaAnswerer:
    """Asks whichever host is least busy; all were seen to have exactly this digest."""

    model: str
    digest: str
    hosts: tuple[OllamaHost, ...]
    defaults: Mapping[str, int | str]

    async def answer(self, request: AnswerRequest) -> Answer:
        options = ollama_options({**self.defaults, **request.options}, request.seed)
        host = min(self.hosts, key=lambda one: one.in_flight)
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        started = time.perf_counter()
        response = await host.chat(self.model, messages, options, request.schema)
        latency = int((time.perf_counter() - started) * 1000)
        tokens_in, tokens_out = _counted(host.url, response, int(options["num_ctx"]))
        return Answer(
            text=response.message.content or "",
            model_digest=self.digest,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            latency_ms=latency,
            finish=response.done_reason or "stop",
        )

    async def check(self) -> None:
        for host in self.hosts:
            await pinned(host, self.model, self.digest)


async def pinned(host: OllamaHost, model: str, digest: str) -> None:
    """Raises `ModelFailed` unless the host has the model under exactly this digest now."""
    found = await host.digest(model)
    if found != digest:
        raise ModelFailed(
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


def _counted(url: str, response: Any, num_ctx: int) -> tuple[int, int]:
    """Tokens read and written; raises `ModelFailed` where the host may have cut the prompt or the answer is not whole.

    A prompt over the context is cut silently, and then exactly ``num_ctx`` tokens were read.
    """
    if not response.done or response.prompt_eval_count is None:
        raise ModelFailed(
            f"the Ollama host {url} gave no whole answer: it did not say that it was done and how much it read",
            remedy="look at the host's log, then try again",
        )
    tokens_in, tokens_out = int(response.prompt_eval_count), int(response.eval_count or 0)
    if tokens_in >= num_ctx or tokens_in + tokens_out > num_ctx:
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
