"""How long 10,000 past decisions take before another policy, on the embedded engine. No server and no network."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.gate.cases import CASES
from tests.gate.inputs import fixed_policies

from benchmarks.figures import Figure
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.engines.several import several
from sekisho.gate.judge import Judge
from sekisho.gate.replay import Past, Turn, replay_all
from sekisho.gate.types import Outcome
from sekisho.kernel.digests import digest_of

TITLE: Final = "Replay of past decisions"
LIMIT_S: Final = 600
DECISIONS: Final = 10_000


def measure() -> Iterator[Figure]:
    yield asyncio.run(replayed())


async def replayed() -> Figure:
    engine = several(lambda: RegorusEngine(fixed_policies(), timeout_ms=20_000))
    try:
        await engine.check()
        began = time.perf_counter()
        summary = await replay_all(pasts(), Judge(engine), at_once=4 * len(engine.engines))
        seconds = time.perf_counter() - began
    finally:
        await engine.close()
    turned = DECISIONS - summary.turns[Turn.SAME]
    rate = f"{DECISIONS / seconds:.0f} per second on {len(engine.engines)} engines, {turned} that come out otherwise"
    return Figure(f"{DECISIONS:,} decisions", f"{seconds:.0f} s", rate)


def pasts() -> Iterator[Past]:
    """The inputs of the tests' cases over and over, each time about another version: no two are alike."""
    for number in range(DECISIONS):
        case = CASES[number % len(CASES)]
        outcome = Outcome.DENY if case.blocking else Outcome.ALLOW
        yield Past(f"{number}", case.name, "production", outcome, tuple(case.blocking), about(case.document, number))


def about(document: Mapping[str, Any], number: int) -> Any:
    """The input with another digest wherever its subject's stands."""
    other = digest_of([document["subject"]["digest"], number])
    return json.loads(json.dumps(document).replace(document["subject"]["digest"], other))
