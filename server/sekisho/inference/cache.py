"""Model calls are remembered by everything that decides them, so that a verdict can be replayed to the same bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Protocol

from sekisho.inference.context_size import context_size
from sekisho.inference.gathering import Gathering
from sekisho.inference.store import ModelCallStore
from sekisho.inference.types import Answer, Answerer, AnswerRequest, Kept
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database
from sekisho.kernel.digests import digest_of, short
from sekisho.kernel.errors import ModelFailed

LINGER_S: Final = 0.003
"""How long a trip to the database waits for company; nothing beside a model, and much beside a trip each."""
CONTEXT: Final = "num_ctx"
_PREDICT: Final = "num_predict"


class NotRemembered(ModelFailed):
    title = "The model was not asked this before"


class Pinned(Answerer, Protocol):
    """A model at hosts that may come to have another one under its name."""

    async def unmoved(self) -> None:
        """Raises `ModelFailed` where a host that answers has another model by now."""
        ...

    async def longest(self) -> int:
        """The model's own context in tokens; 0 where the host does not say. Raises `ModelFailed`."""
        ...


def call_key(model_digest: str, request: AnswerRequest) -> str:
    """Digest of the model's digest and the whole request."""
    return digest_of(
        {
            "model": model_digest,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "passages": list(request.passages),
            "question": request.question,
            "options": dict(request.options),
            "seed": request.seed,
            "schema": None if request.schema is None else dict(request.schema),
            "repeat": request.repeat,
        }
    )


def figures_key(model_digest: str) -> str:
    """Under which a model's own figures are kept."""
    return digest_of({"model": model_digest, "figures": True})


class CallCache:
    """What models answered, in the database. Those who ask at the same time share a trip to it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.find: Callable[[str], Awaitable[Mapping[str, Any] | None]] = Gathering(self._find, LINGER_S)

    async def _find(self, keys: Sequence[str]) -> list[Mapping[str, Any] | None]:
        async with self._database.read() as tx:
            found = await ModelCallStore(tx).some(set(keys))
        return [found.get(key) for key in keys]

    async def keep(self, rows: Sequence[Kept]) -> list[Mapping[str, Any]]:
        """What stands in the cache afterwards: where another worker was first, its answer."""
        async with self._database.write() as tx:
            store = ModelCallStore(tx)
            await store.insert_if_absent(rows, epoch_ms(self._clock.now()))
            found = await store.some({row.key for row in rows})
        return [found[row.key] for row in rows]


@dataclass(frozen=True)
class CachedAnswerer:
    """Asks the model only what was not asked before; without one (`inner` None), nothing at all.

    `defaults` are options that the request may leave out. Where neither says ``num_ctx``, it follows from the prompt.
    """

    digest: str
    inner: Pinned | None
    defaults: Mapping[str, int | str]
    cache: CallCache
    _longest: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    @cached_property
    def _keep(self) -> Gathering[Kept, Mapping[str, Any]]:
        return Gathering(self._kept_together, LINGER_S)

    async def answer(self, request: AnswerRequest) -> Answer:
        """Raises `NotRemembered` without a model, where it was not asked this before."""
        whole = await self._whole(request)
        key = call_key(self.digest, whole)
        known = await self.cache.find(key)
        if known is not None:
            return Answer(**known, model_digest=self.digest, cached=True)
        if self.inner is None:
            raise NotRemembered(
                f"the cache holds no answer of {short(self.digest)} to this call",
                remedy="run the evaluation again with the model's host at hand; then it can be replayed",
            )
        answer = await self.inner.answer(whole)
        stays = await self._keep(Kept(key, self.digest, _kept(answer)))
        return Answer(**stays, model_digest=self.digest)

    async def check(self) -> None:
        if self.inner is not None:
            await self.inner.check()

    async def _whole(self, request: AnswerRequest) -> AnswerRequest:
        """The request with every option that decides the answer."""
        options = {**self.defaults, **request.options}
        if CONTEXT not in options:
            longest = self._longest[0] if self._longest else await self._find_longest()
            options[CONTEXT] = context_size(request.messages, int(options[_PREDICT]), longest)
        return replace(request, options=options)

    async def _find_longest(self) -> int:
        """The model's own context, kept with its answers so that a replay need not ask a host."""
        key = figures_key(self.digest)
        known = await self.cache.find(key)
        if known is None and self.inner is not None:
            told = Kept(key, self.digest, {"context_length": await self.inner.longest()})
            known = (await self.cache.keep([told]))[0]
        self._longest[:] = [int((known or {}).get("context_length", 0))]
        return self._longest[0]

    async def _kept_together(self, rows: Sequence[Kept]) -> list[Mapping[str, Any]]:
        """Raises `ModelFailed` where the model moved: its answers under this digest would outlive the run."""
        if self.inner is not None:
            await self.inner.unmoved()
        return await self.cache.keep(rows)


def _kept(answer: Answer) -> dict[str, Any]:
    return {
        "text": answer.text,
        "tokens_in": answer.tokens_in,
        "tokens_out": answer.tokens_out,
        "latency_ms": answer.latency_ms,
        "finish": answer.finish,
    }
