"""How long the API takes until it is ready, and what it weighs idle."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure
from benchmarks.server import children, running, scratch, serving

TITLE: Final = "Starting the API"
LIMIT_S: Final = 90
STARTS: Final = 5
READY_S: Final = 2.0
IDLE_MB: Final = 200
IDLE_AFTER_S: Final = 3
BARE: Final = "import litestar, sqlalchemy.ext.asyncio"
HEAVY: Final = ("torch", "chromadb", "numpy", "transformers")


def measure() -> Iterator[Figure]:
    times: list[float] = []
    cpu: list[float] = []
    bare: list[float] = []
    with scratch() as folder:
        with running([sys.executable, "-m", "sekisho.cli", "db", "upgrade"], folder, {}) as migration:
            migration.wait()
        for start in range(STARTS):
            bare.append(bare_import_s())
            with serving(folder) as server:
                times.append(server.ready_s)
                cpu.append(server.cpu_s)
                if start == STARTS - 1:
                    time.sleep(IDLE_AFTER_S)
                    family = [server.pid, *children(server.pid)]
                    own, whole, heavy = resident_mb(family[:1]), resident_mb(family), mapped(server.pid)
    median, spread = statistics.median(times), f"{min(times):.2f} to {max(times):.2f} s in {STARTS} starts"
    yield Figure("start to ready", f"{median:.2f} s", f"limit {READY_S:g} s; {spread}", share(median, READY_S))
    took, least = statistics.median(cpu), statistics.median(bare)
    beside = f"importing Litestar and SQLAlchemy: {least:.2f} s"
    yield Figure("processor time of it", f"{took:.2f} s", beside, f"{took / least:.2f} × that")
    yield Figure("memory, idle", f"{own:.0f} MB", f"limit {IDLE_MB} MB", share(own, IDLE_MB))
    yield Figure(
        "memory with its policy engine's process", f"{whole:.0f} MB", f"limit {IDLE_MB} MB", share(whole, IDLE_MB)
    )
    if heavy is not None:
        yield Figure("of torch, Chroma, numpy, transformers", ", ".join(heavy) or "none loaded")


def bare_import_s() -> float:
    """Processor time of the least that such a server must load."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", BARE], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def share(value: float, limit: float) -> str:
    return f"{value / limit:.2f} of it"


def resident_mb(pids: list[int]) -> float:
    """Resident memory of these processes together; what they share is counted for each."""
    listed = subprocess.run(
        ["ps", "-o", "rss=", "-p", ",".join(map(str, pids))], capture_output=True, text=True, check=False
    )
    return sum(map(int, listed.stdout.split())) / 1024


def mapped(pid: int) -> list[str] | None:
    """Which of the heavy packages the process has loaded the native code of; None where that cannot be seen."""
    path = Path(f"/proc/{pid}/maps")
    if not path.exists():
        return None
    files = path.read_text()
    return [name for name in HEAVY if f"/{name}/" in files or f"/{name}_rust" in files]
