"""Model calls are remembered by everything that decides them, so that a verdict can be replayed to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sekisho.inference.store import ModelCallStore
from sekisho.inference.types import Answer, Answerer, AnswerRequest
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database
from sekisho.kernel.digests import digest_of


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


@dataclass(frozen=True)
class CachedAnswerer:
    """Asks the model only what was not asked before. `defaults` are options that the request may leave out."""

    inner: Answerer
    defaults: dict[str, Any]
    database: Database
    clock: Clock

    @property
    def digest(self) -> str:
        return self.inner.digest

    async def answer(self, request: AnswerRequest) -> Answer:
        whole = replace(request, options={**self.defaults, **request.options})
        key = call_key(self.digest, whole)
        async with self.database.read() as tx:
            known = await ModelCallStore(tx).one_or_none(key)
        if known is not None:
            return Answer(**known, model_digest=self.digest, cached=True)
        answer = await self.inner.answer(whole)
        await self._keep(key, answer)
        return answer

    async def check(self) -> None:
        await self.inner.check()

    async def _keep(self, key: str, answer: Answer) -> None:
        kept = {
            "text": answer.text,
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
            "latency_ms": answer.latency_ms,
            "finish": answer.finish,
        }
        async with self.database.write() as tx:
            await ModelCallStore(tx).insert_if_absent(
                key=key, model_digest=self.digest, answer=kept, now=epoch_ms(self.clock.now())
            )
