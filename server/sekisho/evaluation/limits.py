"""What an agent declares that one request may take, held to while Sekisho itself runs it.

An evaluation asks the agent's model once for a case and calls no tool: one step. Tokens are those that the model read
and wrote, time is the model's, of a remembered answer what it took then. An answer beyond a limit is no answer: its
case fails with the reason, counts against the suite's error budget, and the run's observations say how often that was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sekisho.inference.types import Answer, Answerer, AnswerRequest, TooSlow
from sekisho.kernel.errors import ModelFailed
from sekisho.registry.kinds import Limits

TIME: Final = "timeout_ms"
TOKENS: Final = "max_tokens"

Overran = Callable[[str], None]
"""Hears the name of a limit that was not kept."""


class Overrun(ModelFailed):
    title = "The agent went beyond a limit that it declares"


@dataclass(frozen=True, slots=True)
class Bounded:
    """An agent's model that keeps to the agent's limits; `overran` hears of each limit that it did not keep."""

    inner: Answerer
    limits: Limits
    overran: Overran

    @property
    def digest(self) -> str:
        return self.inner.digest

    async def answer(self, request: AnswerRequest) -> Answer:
        """Raises `Overrun`, and what the model itself raises."""
        try:
            answer = await self.inner.answer(request)
        except TooSlow:
            self.overran(TIME)
            raise
        tokens = max(answer.tokens_in, 0) + max(answer.tokens_out, 0)
        for limit, took, unit in ((TOKENS, tokens, "tokens"), (TIME, answer.latency_ms, "ms")):
            most = int(getattr(self.limits, limit))
            if took > most:
                self.overran(limit)
                raise Overrun(f"the answer took {took} {unit}, and the agent's limits.{limit} is {most}")
        return answer

    async def check(self) -> None:
        await self.inner.check()
