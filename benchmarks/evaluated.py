"""One run of so many cases, in stages of a process each, so that none measures another's memory.

`python -m benchmarks.evaluated STAGE FOLDER CASES [STUB]` does one stage and prints what it measured as JSON: `prepare`
a database with a dataset, `ask` for a run as the API does, `work` on it as the worker does, `report` on it in every
format as the API does, `compare` it with itself. The index is an instant one; so is the model, within the process, or
at a stub's address.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

from tests.clocks import FixedClock
from tests.evaluation.fakes import AUTHOR, FakeCatalogue, World, build_world

from benchmarks.stub_model import ANSWER, DIGEST, NAME
from sekisho.evaluation.reports.formats import Format, Wish
from sekisho.evaluation.types import Hit
from sekisho.inference.service import Inference
from sekisho.kernel.allocation import keep_large_blocks_apart
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.migrations import upgrade
from sekisho.kernel.references import Kind
from sekisho.kernel.settings import Settings
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import load_or_create_signer
from sekisho.registry.blobs import BlobStore
from sekisho.registry.checks import copy_blob

AT_ONCE: Final = 16
SCORERS: Final = ({"name": "exact_match"}, {"name": "contains"})
QUESTION: Final = "What stands at number {} of the old road?"
STAGES: Final = ("prepare", "ask", "work", "report", "compare")


@dataclass
class Shelf(FakeCatalogue):
    """Versions in memory; the dataset is in the database, as the product has it."""

    async def copy_blob(self, tx: Transaction, project: str, digest: str, file: IO[bytes]) -> None:
        await copy_blob(tx, project, digest, file)


class InstantIndex:
    """Finds the same passage at once."""

    async def search(self, _query: str, _k: int) -> Sequence[Hit]:
        return (Hit("c1", "road.md", "There is a gate."),)


def rows(cases: int) -> Iterator[bytes]:
    """Questions about documents of twenty cases each, in two groups."""
    for number in range(cases):
        row = {
            "id": f"case-{number:06}",
            "question": QUESTION.format(number),
            "expected": ANSWER if number % 2 else "wall",
            "cluster": f"document-{number // 20}",
            "slices": {"half": "first" if number % 4 < 2 else "second"},
        }
        yield json.dumps(row).encode() + b"\n"


@asynccontextmanager
async def room(folder: Path, cases: int, stub: str | None) -> AsyncIterator[World]:
    """The room evaluation on this folder's database, with its suite and agent."""
    database, clock = Database(f"sqlite+aiosqlite:///{folder}/sekisho.sqlite3"), FixedClock()
    world = build_world(database, clock, Ledger(database, clock, load_or_create_signer(folder / "signing.pem")))
    shelf = Shelf()
    digest = (folder / "dataset").read_text()
    shelf.add(Kind.DATASET, "questions", content=digest, cases=cases, fields=["id"], licence="CC0-1.0")
    world.catalogue, world.model.reply = shelf, lambda _: ANSWER
    model = {"name": NAME, "digest": f"sha256:{DIGEST}", "provider": "ollama", "options": {"num_ctx": 4096}}
    world.agent(model=model if stub else None, timeout_ms=60_000)
    world.suite("timed", target="answers", scorers=list(SCORERS), slices=["half"])
    world.evaluation = replace(world.evaluation, registry=shelf, concurrency=AT_ONCE, beat_s=0.5)
    object.__setattr__(world.evaluation.indexing, "index", InstantIndex())
    inference = Inference(Settings(ollama_hosts=(stub,) if stub else (), ollama_concurrency=AT_ONCE), database, clock)
    if stub:
        world.evaluation = replace(world.evaluation, inference=inference)
    try:
        yield world
    finally:
        await inference.close()
        await database.close()


async def prepare(folder: Path, cases: int) -> dict[str, Any]:
    database = Database(f"sqlite+aiosqlite:///{folder}/sekisho.sqlite3")
    await upgrade(database)
    content = b"".join(rows(cases))
    digest = digest_of_bytes(content)
    async with database.write() as tx:
        await BlobStore(tx).insert("default", digest, content, 0)
    await database.close()
    (folder / "dataset").write_text(digest)
    return {}


async def ask(world: World) -> dict[str, Any]:
    await world.evaluation.start_run(AUTHOR, "default", "suite/timed@latest", "agent/docs@latest")
    return {"peak_mb": peak_mb()}


async def work(world: World) -> dict[str, Any]:
    """Raises RuntimeError where the run does not come to its end."""
    job = await world.claim()
    idle = peak_mb()
    started, processor = time.perf_counter(), time.process_time()
    await world.evaluation.execute(job)
    took = {"wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - processor}
    run = await world.evaluation.run(AUTHOR, "default", str(job.payload["run"]))
    if run.final_digest is None:
        raise RuntimeError(f"the run ended as {run.state}: {run.reason}")
    return {**took, "idle_mb": idle, "peak_mb": peak_mb()}


async def report(world: World) -> dict[str, Any]:
    """Raises IndexError where there is no run."""
    run = (await world.evaluation.runs(AUTHOR, "default")).items[0]
    idle = peak_mb()
    sizes = {}
    for form in Format:
        made = await world.evaluation.rendered_report(AUTHOR, "default", run.id, Wish(form))
        sizes[f"{form}_kb"] = len(made.content) // 1024
    whole = await world.evaluation.spooled_report(AUTHOR, "default", run.id, Wish(Format.JUNIT, whole=True))
    sizes["whole_junit_kb"] = sum(map(len, whole.chunks())) // 1024
    return {"idle_mb": idle, "peak_mb": peak_mb(), **sizes}


async def compare(world: World) -> dict[str, Any]:
    """Raises IndexError where there is no run."""
    run = (await world.evaluation.runs(AUTHOR, "default")).items[0]
    wish = Wish(Format.HTML)
    await world.evaluation.compare(AUTHOR, "default", run.id, run.id)
    await world.evaluation.rendered_report(AUTHOR, "default", run.id, wish, run.id)
    return {"peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most memory that this process has had resident."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


async def stage(name: str, folder: Path, cases: int, stub: str | None) -> dict[str, Any]:
    keep_large_blocks_apart()  # as the server and the worker do when they start
    if name == "prepare":
        return await prepare(folder, cases)
    async with room(folder, cases, stub) as world:
        return await {"ask": ask, "work": work, "report": report, "compare": compare}[name](world)


def evaluated(cases: int, stub: str | None = None) -> dict[str, dict[str, Any]]:
    """What each stage measured."""
    with TemporaryDirectory(prefix="sekisho-bench-") as folder:
        return {name: _stage(name, folder, cases, stub) for name in STAGES}


def _stage(name: str, folder: str, cases: int, stub: str | None) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.evaluated", name, folder, str(cases), *([stub] if stub else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"stage {name} failed: {done.stderr.strip()[-800:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    _, asked, where, count, *at = sys.argv
    print(json.dumps(asyncio.run(stage(asked, Path(where), int(count), at[0] if at else None))))
