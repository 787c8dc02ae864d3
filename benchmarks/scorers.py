"""How fast each scorer is on answers of common length, and what `sekisho score` holds in memory as files grow.

Every scorer that asks no judge scores the same generated rows through `sekisho.evaluation.score`. Memory is the peak of
the command's own process, as the operating system counted it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure
from sekisho.evaluation import score
from sekisho.evaluation.scoring import offline

TITLE: Final = "Scorers without a server"
LIMIT_S: Final = 400
BUDGET_S: Final = 1.5
SMALL, LARGE = 1_000, 100_000
CONTEXT_WORDS: Final = 600
ANSWER_WORDS: Final = 80
PARAMETERS: Final[dict[str, Any]] = {
    "k": 10,
    "pattern": r"(\w+) gate .* (nine|ten)$",
    "schema": {"type": "object", "required": ["answer"], "properties": {"answer": {"type": "string"}}},
}
STREAMED: Final = ("normalised_match", "rouge_l", "refused", "words")


def measure() -> Iterator[Figure]:
    rows = list(made(400, CONTEXT_WORDS))
    for name in offline():
        yield Figure(f"{name}, rows/s", f"{rate(name, rows):,.0f}", f"answers of {ANSWER_WORDS} words")
    with tempfile.TemporaryDirectory() as folder:
        small, large = (run(Path(folder), count) for count in (SMALL, LARGE))
    scorers = ", ".join(STREAMED)
    yield Figure(f"sekisho score, {LARGE:,} rows, rows/s", f"{LARGE / large[0]:,.0f}", scorers)
    yield Figure(
        f"sekisho score, peak memory at {LARGE:,} rows",
        f"{large[1]:.1f} MB",
        f"{small[1]:.1f} MB at {SMALL:,}",
        f"{large[1] / small[1]:.3f}",
    )


def rate(name: str, rows: list[dict[str, Any]]) -> float:
    """Rows a second: as many as fit into the budget, at least one."""
    taken = {key: value for key, value in PARAMETERS.items() if takes(name, key)}
    scored, started = 0, time.perf_counter()
    while time.perf_counter() - started < BUDGET_S:
        for _ in score(rows, (name,), **taken):
            scored += 1
            if time.perf_counter() - started >= BUDGET_S:
                break
    return scored / (time.perf_counter() - started)


def takes(name: str, parameter: str) -> bool:
    return (name, parameter) in {("regex", "pattern"), ("json_schema", "schema")} or (
        parameter == "k" and name in {"recall", "precision", "hit", "ndcg", "mrr"}
    )


def run(folder: Path, count: int) -> tuple[float, float]:
    """Seconds and peak megabytes of `sekisho score` over a file of so many rows."""
    file = folder / f"{count}.jsonl"
    with file.open("w") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in made(count, 20))
    words = [word for name in STREAMED for word in ("--scorer", name)]
    command = [sys.executable, "-m", "sekisho.cli", "score", str(file), "--json", "--out", str(folder / "out"), *words]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"sekisho score left with {process.returncode}")
    peak = usage.ru_maxrss / 1000 if sys.platform != "darwin" else usage.ru_maxrss / 1e6
    return time.perf_counter() - started, peak


def made(count: int, context_words: int) -> Iterator[dict[str, Any]]:
    """Rows of every field that a scorer reads, the same each time."""
    rng = random.Random(7)
    syllables = [f"{rng.choice('bdgkmnprstz')}{rng.choice('aeiou')}{number}" for number in range(800)]
    vocabulary = [*syllables, "gate", "nine"]

    def text(words: int) -> str:
        chosen = rng.choices(vocabulary, k=words)
        return " ".join(f"{word}." if number % 12 == 11 else word for number, word in enumerate(chosen))

    for number in range(count):
        passages = [text(context_words // 10) for _ in range(10)]
        yield {
            "id": number,
            "question": text(10),
            "context": passages,
            "response": f"{passages[3]} {text(ANSWER_WORDS - context_words // 10)}"[: ANSWER_WORDS * 5],
            "expected": f"{text(20)} 42",
            "retrieved": passages,
            "gold": [passages[2]],
            "latency_ms": 120,
            "tokens_in": 800,
            "tokens_out": 100,
        }
