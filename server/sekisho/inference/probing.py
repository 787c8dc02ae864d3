"""How many calls an Ollama host works on at a time, found out by asking it: it does not say.

A host that is told to (``OLLAMA_NUM_PARALLEL``) answers several calls together and is then faster in all; one that is
not queues them. So a small call is timed alone, then two together, four and eight, while each step is worth it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sekisho.inference.ollama_host import OllamaHost, passing_trouble

STEPS: Final = (2, 4, 8)
WORTH: Final = 1.5
"""A step is worth it where this many times as many calls are answered per second as before."""
LIMIT_S: Final = 20.0
"""Probing takes no longer; a host that is so slow gets one place."""
_TOKENS: Final = 8
_ASK: Final = ({"role": "user", "content": "Count slowly from one to twenty."},)

Call = Callable[[], Awaitable[object]]


async def probe(host: OllamaHost, model: str, num_ctx: int) -> None:
    """Set the host's places and say how they were decided. A host that does not answer gets one place."""
    # The context of the calls to come: another one would make the host load its model twice.
    options: Mapping[str, Any] = {"num_predict": _TOKENS, "num_ctx": num_ctx, "temperature": 0, "seed": 0}
    try:
        async with asyncio.timeout(LIMIT_S):
            host.places, host.decided = await places(lambda: host.chat(model, _ASK, options, None))
    except TimeoutError:
        host.places, host.decided = 1, f"not probed: it would have taken longer than {LIMIT_S:g} s"
    except passing_trouble() as error:
        host.places, host.decided = 1, f"not probed: {error}"


async def places(call: Call, monotonic: Callable[[], float] = time.monotonic) -> tuple[int, str]:
    """The number of calls at a time that answers most per second, and what was measured, in words."""
    await call()  # loads the model
    alone = min([await _seconds(call, 1, monotonic) for _ in range(2)])
    best, rate, told = 1, 1 / alone, [f"1 call took {alone:.2f} s"]
    for step in STEPS:
        seconds = await _seconds(call, step, monotonic)
        told.append(f"{step} together {seconds:.2f} s")
        if step / seconds < WORTH * rate:
            break
        best, rate = step, step / seconds
    return best, f"probed: {', '.join(told)}"


async def _seconds(call: Call, at_once: int, monotonic: Callable[[], float]) -> float:
    started = monotonic()
    await asyncio.gather(*(call() for _ in range(at_once)))
    return max(1e-6, monotonic() - started)
