"""Which host takes the next call: the one with most room among those that are in order, chosen when a place is free.

A call is bound to a host only then, so that a slow host holds up no more calls than it has places.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sekisho.inference.ollama_host import OllamaHost
from sekisho.inference.probing import probe
from sekisho.kernel.errors import ModelFailed

Prober = Callable[[OllamaHost], None]
"""Sees to it that a host's places become known, and that the pool hears of it."""


@dataclass
class Patience:
    """How long one call may go on, retries included: `limit_s` seconds from when its turn came.

    `last` is what went wrong last, and `failed` names the hosts where anything did.
    """

    limit_s: float
    monotonic: Callable[[], float] = time.monotonic
    last: ModelFailed | None = None
    failed: set[str] = field(default_factory=set)
    _ends: float | None = field(default=None, init=False)

    def begin(self) -> None:
        """The call's turn has come; only the first time counts."""
        if self._ends is None:
            self._ends = self.monotonic() + self.limit_s

    @property
    def left_s(self) -> float | None:
        """Seconds left; None while its turn has not come."""
        return None if self._ends is None else max(0.0, self._ends - self.monotonic())

    @property
    def over(self) -> bool:
        return self.left_s == 0.0


class HostPool:
    """Gives out the places of all hosts of this process."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._probes: dict[str, asyncio.Task[None]] = {}

    async def take(self, hosts: Sequence[OllamaHost], patience: Patience, prober: Prober) -> OllamaHost:
        """A host with a free place, which is taken. Waiting for a place costs no patience, waiting for a host does.

        Raises `ModelFailed` where no host came back in time.
        """
        while True:
            admitting = [host for host in hosts if host.circuit.admits]
            for host in admitting:
                if host.places is None:
                    prober(host)
            # A host that has failed this call is asked again only where no other is in order.
            others = [host for host in admitting if host.url not in patience.failed]
            free = [host for host in others or admitting if host.free > 0]
            if free:
                patience.begin()
                host = max(free, key=lambda one: one.free)
                host.enter()
                return host
            await self._wait(hosts, admitting, patience)

    def give(self, host: OllamaHost) -> None:
        """The place is free again."""
        host.leave()
        self.changed()

    def probe(self, host: OllamaHost, model: str, num_ctx: int) -> None:
        """Begin to find out how many places the host has; meanwhile it has none."""
        if host.url not in self._probes:
            self._probes[host.url] = asyncio.create_task(self._probe(host, model, num_ctx))

    async def _probe(self, host: OllamaHost, model: str, num_ctx: int) -> None:
        try:
            await probe(host, model, num_ctx)
        finally:
            del self._probes[host.url]
            self.changed()

    async def close(self) -> None:
        """End what still probes."""
        probes = list(self._probes.values())
        for task in probes:
            task.cancel()
        await asyncio.gather(*probes, return_exceptions=True)

    def changed(self) -> None:
        """Whoever waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self, hosts: Sequence[OllamaHost], admitting: Sequence[OllamaHost], patience: Patience) -> None:
        if not admitting:
            patience.begin()
        rests = [host.circuit.rests_s for host in hosts if host.circuit.rests_s > 0]
        waits = [*rests, *([] if patience.left_s is None else [patience.left_s])]
        with suppress(TimeoutError):
            async with asyncio.timeout(min(waits) if waits else None):
                await self._changed.wait()
        if patience.over:
            raise patience.last or _none_in_order(hosts)


def _none_in_order(hosts: Sequence[OllamaHost]) -> ModelFailed:
    named = ", ".join(host.url for host in hosts)
    return ModelFailed(
        f"no Ollama host is in order: {named} failed several times in a row and did not come back in time",
        remedy="look at the hosts' logs; `sekisho models` shows each host's state",
    )
