"""Load on one address: keep-alive connections that each ask again as soon as they are answered.

A process of its own that speaks just enough HTTP/1.1, since a full client is slower than the server it would measure.
`python -m benchmarks.load` reads a `Plan` as JSON from standard input and writes a `Load`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import cast

from benchmarks.figures import percentile

CONNECTIONS = 8
WARM_UP_S = 1.0
MEASURED_S = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask, and the status that every answer must have."""

    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    connections: int = CONNECTIONS
    warm_up_s: float = WARM_UP_S
    measured_s: float = MEASURED_S

    def request(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Load:
    """Answers per second, and how long one took, in milliseconds."""

    rate: float
    p50_ms: float
    p99_ms: float


class Caller(asyncio.Protocol):
    """One connection. Notes when each answer was whole and how long it took; `wrong` is the first unexpected one."""

    def __init__(self, request: bytes, status: int) -> None:
        self.request = request
        self.expected = f"HTTP/1.1 {status} ".encode()
        self.done = False
        self.wrong = b""
        self.answers: list[tuple[float, float]] = []
        self.transport: asyncio.Transport | None = None
        self.buffer = b""
        self.length = 0  # of an answer that was found whole: the next ones have it too, or are looked at as closely
        self.asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.ask(self.transport)

    def ask(self, transport: asyncio.Transport) -> None:
        self.asked = time.perf_counter()
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        if (len(self.buffer) != self.length and not whole(self.buffer)) or self.transport is None:
            return
        self.length = len(self.buffer)
        now = time.perf_counter()
        if not self.buffer.startswith(self.expected):
            self.stop(self.buffer[:200])
            return
        self.answers.append((now, now - self.asked))
        self.buffer = b""
        if self.done:
            self.transport.close()
        else:
            self.ask(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done:
            self.stop(b"the connection was closed")

    def stop(self, wrong: bytes = b"") -> None:
        self.done, self.wrong = True, self.wrong or wrong
        if wrong and self.transport is not None:
            self.transport.close()


def whole(answer: bytes) -> bool:
    """Whether headers and body are there; an answer without Content-Length (304) has no body."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = answer.lower().find(b"content-length:", 0, end)
    if at < 0:
        return True
    length = int(answer[at + 15 : answer.find(b"\r\n", at)])
    return len(answer) >= end + 4 + length


async def generate(plan: Plan) -> Load:
    """Raises RuntimeError at an answer of another status."""
    loop = asyncio.get_running_loop()
    request = plan.request()
    callers = [Caller(request, plan.status) for _ in range(plan.connections)]
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", plan.port)  # type: ignore[misc]
    begin = time.perf_counter() + plan.warm_up_s
    end = begin + plan.measured_s
    await asyncio.sleep(plan.warm_up_s + plan.measured_s)
    wrong = [caller.wrong for caller in callers if caller.wrong]
    for caller in callers:
        caller.stop()
    if wrong:
        raise RuntimeError(wrong[0].decode("latin-1"))
    times = [took for caller in callers for at, took in caller.answers if begin <= at < end]
    if not times:
        raise RuntimeError("no answer came in time")
    return Load(len(times) / plan.measured_s, percentile(times, 0.5) * 1000, percentile(times, 0.99) * 1000)


def load(plan: Plan) -> Load:
    """Generate it from another process, so that it takes none of this one's time."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps({**asdict(plan), "headers": dict(plan.headers)}), capture_output=True, text=True, check=False,
        timeout=plan.warm_up_s + plan.measured_s + 30,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the load generator failed: {done.stderr.strip()[-500:]}")
    return Load(**json.loads(done.stdout))


def main() -> None:
    plan = Plan(**json.load(sys.stdin))
    runner = asyncio.run
    with suppress(ImportError):
        import uvloop

        runner = uvloop.run
    print(json.dumps(asdict(runner(generate(plan)))))


if __name__ == "__main__":
    main()
