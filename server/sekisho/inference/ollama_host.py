"""One Ollama host: requests in flight bounded, connections that break tried again, failures told with a remedy.

Only this file and `ollama_models` know the package ``ollama``; it, and httpx below it, are imported when a host is
first asked.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sekisho.inference.circuit import Circuit
from sekisho.inference.types import AvailableModel, HostState, TooSlow
from sekisho.kernel.digests import PREFIX
from sekisho.kernel.errors import ModelFailed

if TYPE_CHECKING:
    import ollama

T = TypeVar("T")
WAITS: Final = (0.25, 1.0)
"""Seconds before the second and the third try; each is taken between half and one and a half times."""
TRIES: Final = len(WAITS) + 1
"""How often a call is tried that reached a host; one that reaches none is tried for as long as it has time."""
_LONGEST_WAIT_S: Final = 8.0
FAILURES: Final = 5
"""Failures in a row after which a host is left alone for a while."""
_BUSY: Final = 503
_PASSING_STATUS: Final = frozenset({429, 500, 502, _BUSY, 504})
_LIST_TIMEOUT_S: Final = 5.0

Sleeper = Callable[[float], Awaitable[None]]


class OllamaHost:
    """Holds the connections to one host. `close` it when done.

    `places` is how many calls it takes at a time; None while that is to be probed. `concurrency` 0: probe it.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        concurrency: int,
        sleep: Sleeper = asyncio.sleep,
        circuit: Circuit | None = None,
    ) -> None:
        self.url = url
        self.places = concurrency or None
        self.decided = "set" if concurrency else ""
        self.circuit = circuit or Circuit(FAILURES)
        self.in_flight = 0
        self.calls = 0
        self.failures = 0
        self._timeout_s = timeout_s
        self._sleep = sleep

    @cached_property
    def _client(self) -> ollama.AsyncClient:
        return self._connect(self._timeout_s)

    @cached_property
    def _lister(self) -> ollama.AsyncClient:
        """Apart, so that a busy host's list is not waited for behind answers, nor as long."""
        return self._connect(min(_LIST_TIMEOUT_S, self._timeout_s))

    def _connect(self, timeout_s: float) -> ollama.AsyncClient:
        import ollama

        return ollama.AsyncClient(host=self.url, timeout=timeout_s)

    async def close(self) -> None:
        """Safe to call where nothing was ever asked."""
        for name in ("_client", "_lister"):
            if name in self.__dict__:
                await self.__dict__[name].close()

    @property
    def free(self) -> int:
        """Places that are free now."""
        return max(0, (self.places or 0) - self.in_flight)

    def enter(self) -> None:
        """A call takes a place."""
        self.in_flight += 1
        self.circuit.begin()

    def leave(self) -> None:
        """The call gives its place back, whatever became of it."""
        self.in_flight -= 1
        self.circuit.abandoned()

    async def models(self) -> tuple[AvailableModel, ...]:
        """What the host has now. Raises `ModelFailed`."""
        listed = await self._asked("its models", self._lister.list)
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
        """One whole answer, asked for once. The circuit hears how it went. Raises what the package raises."""
        self.calls += 1
        try:
            answer = await self._client.chat(
                model, list(messages), options=dict(options), format=dict(schema) if schema else None
            )
        except passing_trouble() as error:
            if tells_of_host(error):
                self.failed()
            raise
        self.circuit.succeeded()
        return answer

    def failed(self) -> None:
        """A call failed for a reason of this host's."""
        self.failures += 1
        self.circuit.failed()

    async def describe(self, model: str) -> Mapping[str, Any]:
        """The model's own figures (``bert.context_length`` and the like). Raises `ModelFailed`."""
        shown = await self._asked(model, lambda: self._client.show(model))
        return shown.modelinfo or {}

    async def licence(self, model: str) -> str:
        """The licence's text that came with the model; empty where none did. Raises `ModelFailed`."""
        shown = await self._asked(model, lambda: self._client.show(model))
        return shown.license or ""

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


def tells_of_host(error: Exception) -> bool:
    """Whether the error speaks against the host rather than the call: no connection, a broken one, none in time."""
    import httpx

    status = getattr(error, "status_code", 0)
    return isinstance(error, (ConnectionError, httpx.TransportError)) or (status >= 500 and status != _BUSY)


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


def backoff() -> Iterator[float]:
    """Seconds before each further try: longer each time, up to some, and never quite the same."""
    wait = WAITS[0]
    while True:
        yield with_jitter(wait)
        wait = min(_LONGEST_WAIT_S, 2 * wait)


class HostAway(ModelFailed):
    """No host answers there, or it stopped in the middle: it may come back."""


def too_slow(url: str, model: str, limit_s: float) -> TooSlow:
    return TooSlow(
        f"the Ollama host {url} took longer over {model} than the {limit_s:g} s that a case has",
        remedy="raise the agent's limits.timeout_ms, lower num_predict, or use a smaller model or a faster host",
    )


def no_host(urls: Sequence[str]) -> ModelFailed:
    return HostAway(
        f"no Ollama host answers: {', '.join(urls)}",
        remedy="start one (`ollama serve`), or mend SEKISHO_OLLAMA_HOSTS",
    )


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
        return HostAway(
            f"the Ollama host {url} took too long over {subject}",
            remedy="raise SEKISHO_OLLAMA_TIMEOUT_S, lower num_predict, or use a smaller model or a faster host",
        )
    if isinstance(error, ConnectionError):
        return HostAway(
            f"no Ollama host answers at {url}",
            remedy="start it (`ollama serve`), or mend SEKISHO_OLLAMA_HOSTS",
        )
    if isinstance(error, httpx.TransportError):
        return HostAway(
            f"the Ollama host {url} dropped the connection in the middle of an answer about {subject}: {error}",
            remedy="look at the host's log; it may have run out of memory. Then try again",
        )
    return ModelFailed(
        f"the Ollama host {url} failed over {subject}: {error}", remedy="look at the host's log, then try again"
    )


def _tagged(model: str) -> str:
    return model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"
