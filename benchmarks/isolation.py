"""One benchmark in a process of its own, ended when it takes longer than it says it may.

So none inherits another's memory, threads or caches, and none can keep the others from running.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection

from benchmarks.figures import Figure, benchmark
from sekisho.kernel.logging import configure_logging
from sekisho.kernel.settings import Settings

Line = Figure | str | None
"""A figure, why there are no more, or the end."""


def run(name: str) -> tuple[list[Figure], str]:
    """The figures of one benchmark, and what kept it from giving more."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(name, theirs))
    process.start()
    theirs.close()
    try:
        return collect(ours, benchmark(name).LIMIT_S)
    finally:
        process.terminate()
        process.join()


def collect(lines: Connection, limit_s: float) -> tuple[list[Figure], str]:
    figures: list[Figure] = []
    end = time.monotonic() + limit_s
    try:
        while lines.poll(max(0, end - time.monotonic())):
            line: Line = lines.recv()
            if not isinstance(line, Figure):
                return figures, line or ""
            figures.append(line)
    except EOFError:
        return figures, "its process died"
    return figures, f"took longer than {limit_s} s and was stopped"


def work(name: str, lines: Connection) -> None:
    """In the benchmark's own process."""
    configure_logging(Settings(log_level="warning"))
    try:
        for figure in benchmark(name).measure():
            lines.send(figure)
    except Exception as error:
        lines.send(f"{type(error).__name__}: {error}")
        raise
    lines.send(None)
