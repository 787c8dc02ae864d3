"""Other evaluators over the same cases and the same stub: one model call and one exact match per case, 16 at a time.

Neither is installed with Sekisho. Where they are, the environment says: `BENCH_RAGAS_PYTHON` names the Python of a
virtual environment with ragas, `BENCH_PROMPTFOO` the folder in which `npm install promptfoo` was run.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.evaluated import AT_ONCE, QUESTION
from benchmarks.stub_model import ANSWER, NAME

RAGAS_HOW: Final = (
    "python -m venv V && V/bin/pip install ragas httpx 'langchain-community<0.4', then BENCH_RAGAS_PYTHON=V/bin/python"
)
PROMPTFOO_HOW: Final = "npm install --prefix D promptfoo, then BENCH_PROMPTFOO=D"
LIMIT_S: Final = 300

_RAGAS: Final = """
import asyncio, json, sys, time, warnings
warnings.simplefilter("ignore")
import httpx
from ragas import EvaluationDataset, evaluate
from ragas.metrics import ExactMatch
from ragas.run_config import RunConfig
url, model, answer, question, cases, at_once = sys.argv[1:]
questions = [question.format(number) for number in range(int(cases))]

async def answers():
    places, found = asyncio.Semaphore(int(at_once)), {}
    async with httpx.AsyncClient(timeout=60) as client:
        async def ask(text):
            async with places:
                body = {"model": model, "messages": [{"role": "user", "content": text}]}
                reply = await client.post(f"{url}/v1/chat/completions", json=body)
                found[text] = reply.json()["choices"][0]["message"]["content"]
        await asyncio.gather(*(ask(text) for text in questions))
    return found

started = time.perf_counter()
found = asyncio.run(answers())
asked = time.perf_counter() - started
rows = [{"user_input": text, "response": found[text], "reference": answer} for text in questions]
data = EvaluationDataset.from_list(rows)
result = evaluate(data, metrics=[ExactMatch()], run_config=RunConfig(max_workers=int(at_once)), show_progress=False)
assert len(result.scores) == len(questions)
print(json.dumps({"seconds": time.perf_counter() - started, "asked": asked}))
"""


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds per case, or why there is no figure."""

    name: str
    per_case_s: float | None
    why: str = ""


def ragas(url: str, cases: int) -> Timed:
    """Ragas has no loop that asks a model under test: that part is a bare client's, and counted."""
    python = os.environ.get("BENCH_RAGAS_PYTHON", "")
    if not Path(python).is_file():
        return Timed("ragas", None, RAGAS_HOW)
    command = [python, "-c", _RAGAS, url, NAME, ANSWER, QUESTION, str(cases), str(AT_ONCE)]
    quiet = {**os.environ, "RAGAS_DO_NOT_TRACK": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S, env=quiet)
    if done.returncode:
        return Timed("ragas", None, f"it failed: {done.stderr.strip()[-300:]}")
    return Timed("ragas", json.loads(done.stdout.splitlines()[-1])["seconds"] / cases)


def promptfoo(url: str, cases: int) -> Timed:
    """Its start is not counted: the time of one case is taken from that of all."""
    binary = Path(os.environ.get("BENCH_PROMPTFOO", "")) / "node_modules" / ".bin" / "promptfoo"
    if not binary.is_file():
        return Timed("promptfoo", None, PROMPTFOO_HOW)
    with TemporaryDirectory(prefix="sekisho-bench-") as folder:
        try:
            one, all_ = (_promptfoo(binary, Path(folder), url, n) for n in (1, cases))
        except RuntimeError as error:
            return Timed("promptfoo", None, str(error))
    return Timed("promptfoo", (all_ - one) / (cases - 1))


def _promptfoo(binary: Path, folder: Path, url: str, cases: int) -> float:
    config = {
        "prompts": ["{{question}}"],
        "providers": [{"id": f"ollama:chat:{NAME}", "config": {"temperature": 0}}],
        "tests": [
            {"vars": {"question": QUESTION.format(number)}, "assert": [{"type": "equals", "value": ANSWER}]}
            for number in range(cases)
        ],
    }
    (folder / "promptfooconfig.json").write_text(json.dumps(config))
    command = [
        str(binary), "eval", "-c", str(folder / "promptfooconfig.json"), "-j", str(AT_ONCE), "--no-cache",
        "--no-progress-bar", "--no-table", "--no-write", "-o", str(folder / "out.json"),
    ]  # fmt: skip
    quiet = {
        "OLLAMA_BASE_URL": url, "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_CONFIG_DIR": str(folder), "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    }  # fmt: skip
    started = time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=LIMIT_S, env={**os.environ, **quiet}
    )
    took = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"it failed: {(done.stderr or done.stdout).strip()[-300:]}")
    passed = json.loads((folder / "out.json").read_text())["results"]["stats"]["successes"]
    if passed != cases:
        raise RuntimeError(f"it passed {passed} of {cases} cases")
    return took
