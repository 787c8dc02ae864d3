"""One Ollama host: requests in flight bounded, connections that break tried again, failures told with a remedy.

Only this file and `ollama_models` know the package ``ollama``; it, and httpx below it, are imported when a host is
first asked.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sekisho.inference.types import AvailableModel, HostState
from sekisho.kernel.digests import PREFIX
from sekisho.kernel.errors import ModelFailed

if TYPE_CHECKING:
    import ollama

T = TypeVar("T")
WAITS: Final = (0.25, 1.0)
"""Seconds before the second and the third try; each is taken between half and one and a half times."""
_PASSING_STATUS: Final = frozenset({429, 502, 503, 504})
_LIST_TIMEOUT_S: Final = 5.0

Sleeper = Callable[[float], Awaitable[None]]


class OllamaHost:
    """Holds the connections to one host. `close` it when done."""

    def __init__(self, url: str, *, timeout_s: float, concurrency: int, sleep: Sleeper = asyncio.sleep) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._places = asyncio.Semaphore(concurrency)
        self.in_flight = 0

    @cached_property
    def _client(self) -> ollama.AsyncClient:
        import ollama

        return ollama.AsyncClient(host=self.url, timeout=self._timeout_s)

    async def close(self) -> None:
        """Safe to call where nothing was ever asked."""
        if "_client" in self.__dict__:
            await self._client.close()  # type: ignore[no-untyped-call]

    async def models(self) -> tuple[AvailableModel, ...]:
        """What the host has now. Raises `ModelFailed`."""
        import ollama

        async with ollama.AsyncClient(host=self.url, timeout=min(_LIST_TIMEOUT_S, self._timeout_s)) as client:
            listed = await self._asked("its models", client.list)
        return tuple(
            AvailableModel(
                name=model.model,
                digest=PREFIX + model.digest,
                provider="ollama",
                host=self.url,
                family=(model.details.family if model.details else None) or "unknown",
                size_bytes=int(model.size or 0),
            )
            for model in listed.models
            if model.model and model.digest
        )

    async def state(self) -> HostState:
        """What `models` says, with a host that is away as a fact rather than an error."""
        try:
            return HostState(self.url, True, None, await self.models())
        except ModelFailed as error:
            return HostState(self.url, False, error.detail, ())

    async def digest(self, model: str) -> str:
        """Digest under which the host has the model now. Raises `ModelFailed` also where it has none."""
        wanted = _tagged(model)
        for one in await self.models():
            if _tagged(one.name) == wanted:
                return one.digest
        raise missing(self.url, model)

    async def chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        options: Mapping[str, Any],
        schema: Mapping[str, Any] | None,
    ) -> ollama.ChatResponse:
        """One whole answer. Raises `ModelFailed`."""
        self.in_flight += 1
        try:
            async with self._places:
                return await self._asked(
                    model,
                    lambda: self._client.chat(
                        model, list(messages), options=dict(options), format=dict(schema) if schema else None
                    ),
                )
        finally:
            self.in_flight -= 1

    async def describe(self, model: str) -> Mapping[str, Any]:
        """The model's own figures (``bert.context_length`` and the like). Raises `ModelFailed`."""
        shown = await self._asked(model, lambda: self._client.show(model))
        return shown.modelinfo or {}

    async def _asked(self, subject: str, call: Callable[[], Awaitable[T]]) -> T:
        for wait in (*WAITS, None):
            try:
                return await call()
            except passing_trouble() as error:
                if wait is None or not is_passing(error):
                    raise failure(self.url, subject, error) from error
            await self._sleep(with_jitter(wait))
        raise AssertionError("the last try returns or raises")


class BlockingOllama:
    """The embedding side of a host, for the threads in which index builds run."""

    def __init__(self, url: str, *, timeout_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._sleep = sleep

    @cached_property
    def _client(self) -> ollama.Client:
        import ollama

        return ollama.Client(host=self.url, timeout=self._timeout_s)

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()  # type: ignore[no-untyped-call]

    def embed(self, model: str, texts: Sequence[str], *, truncate: bool) -> ollama.EmbedResponse:
        """Raises `ModelFailed`; with `truncate` false also for a text that is too long for the model."""
        for wait in (*WAITS, None):
            try:
                return self._client.embed(model, list(texts), truncate=truncate)
            except passing_trouble() as error:
                if wait is None or not is_passing(error):
                    raise failure(self.url, model, error) from error
            self._sleep(with_jitter(wait))
        raise AssertionError("the last try returns or raises")

    def describe(self, model: str) -> Mapping[str, Any]:
        """The model's own figures with its whole vocabulary; empty where the host does not tell them."""
        import httpx

        try:
            answer = httpx.post(
                f"{self.url.rstrip('/')}/api/show", json={"model": model, "verbose": True}, timeout=self._timeout_s
            )
            told = answer.raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return {}
        figures = told.get("model_info") if isinstance(told, dict) else None
        return figures if isinstance(figures, dict) else {}


def passing_trouble() -> tuple[type[Exception], ...]:
    """What the package raises where a host gives no usable answer."""
    import httpx
    import ollama

    return (ollama.ResponseError, ConnectionError, httpx.HTTPError, httpx.InvalidURL, ValueError)


def is_passing(error: Exception) -> bool:
    """Whether trying again may help: no connection, a broken one, or a host that is too busy. A timeout is final."""
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return False
    return isinstance(error, (ConnectionError, httpx.TransportError)) or (
        getattr(error, "status_code", None) in _PASSING_STATUS
    )


def with_jitter(wait: float) -> float:
    return wait * (0.5 + random.random())  # noqa: S311  # spreads tries in time, guards nothing


def missing(url: str, model: str) -> ModelFailed:
    return ModelFailed(
        f"the Ollama host {url} does not have the model {model}",
        remedy=f"run `ollama pull {model}` there, or name a host that has it in SEKISHO_OLLAMA_HOSTS",
    )


def failure(url: str, subject: str, error: Exception) -> ModelFailed:
    """Tell what went wrong at a host, and what to do."""
    import httpx

    if getattr(error, "status_code", None) == 404:
        return missing(url, subject)
    if isinstance(error, httpx.TimeoutException):
        return ModelFailed(
            f"the Ollama host {url} took too long over {subject}",
            remedy="raise SEKISHO_OLLAMA_TIMEOUT_S, lower num_predict, or use a smaller model or a faster host",
        )
    if isinstance(error, ConnectionError):
        return ModelFailed(
            f"no Ollama host answers at {url}",
            remedy="start it (`ollama serve`), or mend SEKISHO_OLLAMA_HOSTS",
        )
    if isinstance(error, httpx.TransportError):
        return ModelFailed(
            f"the Ollama host {url} dropped the connection in the middle of an answer about {subject}: {error}",
            remedy="look at the host's log; it may have run out of memory. Then try again",
        )
    return ModelFailed(
        f"the Ollama host {url} failed over {subject}: {error}", remedy="look at the host's log, then try again"
    )


def _tagged(model: str) -> str:
    return model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"
