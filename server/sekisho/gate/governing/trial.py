"""Trying a policy before it may decide: it compiles, answers within a time, denies an empty input, passes its tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sekisho.gate.catalog import USER
from sekisho.gate.engines.port import PACKAGE, RULE, refuse_allow_on_nothing
from sekisho.gate.engines.regorus_engine import MEMORY
from sekisho.gate.policies import PolicySet
from sekisho.gate.rego_tests import RegoTest, rules_of_tests
from sekisho.gate.verdict import read_verdict
from sekisho.kernel.errors import EngineFailed, ExtraMissing, SekishoError

CHILD: Final = Path(__file__).with_name("trial_child.py")
STEP_SECONDS: Final = 10.0
"""How long one step may take: a hundred times what the shipped policy takes for a decision on a slow machine."""
DECISION: Final = f"data.{PACKAGE}.{RULE}"
SAMPLE: Final = "data.sekisho.fixtures.promotion"
"""A promotion in order, of the built-in rules' own tests: an input on which every rule has something to look at."""
_EMPTY: Final = "an empty input"
_SAMPLED: Final = "a sample promotion"
_LINE: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it: faults of the policy as a whole, and each test with its result."""

    faults: tuple[str, ...]
    tests: tuple[RegoTest, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Every fault and every failed test in a sentence."""
        return (*self.faults, *(f"{one.file}: {one.rule}: {one.reason}" for one in self.tests if not one.passed))


async def tried(policies: PolicySet, *, seconds: float = STEP_SECONDS, every_test: bool = False) -> Trial:
    """Try the policy in a process of its own.

    `every_test` runs the built-in rules' tests too; otherwise only those of users' packages, since the built-in ones
    are about the built-in parameters. Raises `ExtraMissing` where the embedded engine is not installed.
    """
    if find_spec("regorus") is None:
        raise ExtraMissing(
            "a policy is tried on the embedded engine regorus, which is not installed",
            remedy="pip install 'sekisho[server]' on a machine for which there is a wheel",
        )
    tests = [found for found in rules_of_tests(policies) if every_test or found[0].startswith(USER)]
    answers, late = await _answers(_asked(policies, tests), seconds)
    faults = [late] if late else []
    if "compile" in answers:
        faults.append(f"it does not compile: {answers['compile'].get('error')}")
    elif not late:
        faults += _faults(answers, policies.digest)
    told = tuple(RegoTest(file, rule, _reason(answers.get(f"{file}: {rule}"))) for file, _, rule in tests)
    return Trial(tuple(faults), told)


def _asked(policies: PolicySet, tests: list[tuple[str, str, str]]) -> bytes:
    steps: list[dict[str, Any]] = [{"name": _EMPTY, "engine": "policy", "rule": DECISION, "input": {}}]
    if any("package sekisho.fixtures\n" in text.decode("utf-8") for text in policies.tests.values()):
        steps.append({"name": _SAMPLED, "engine": "policy", "rule": DECISION, "input_rule": SAMPLE})
    steps += [
        {"name": f"{file}: {rule}", "engine": "tests", "rule": f"data.{pack}.{rule}"} for file, pack, rule in tests
    ]
    return json.dumps({**policies.content, "memory": MEMORY, "steps": steps}).encode()


def _faults(answers: Mapping[str, Mapping[str, Any]], digest: str) -> Iterator[str]:
    found = answers.get(_EMPTY, {})
    if "answer" not in found:
        yield f"on {_EMPTY} it comes to no answer: {found.get('error')}"
    elif fault := refuse_allow_on_nothing(_decoded(found["answer"])):
        yield fault
    if (sampled := answers.get(_SAMPLED)) is None:
        return
    if "answer" not in sampled:
        yield f"on {_SAMPLED} it comes to no answer: {sampled.get('error')}"
        return
    try:
        read_verdict(_decoded(sampled["answer"]), engine="regorus", policy_digest=digest)
    except EngineFailed as error:
        yield f"on {_SAMPLED}: {error.detail}"


def _reason(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "it was not reached"
    if "answer" not in found:
        return f"error: {str(found.get('error')).splitlines()[-1]}"
    return "" if found["answer"] == "true" else f"it is {found['answer'].strip()}, not true"


def _decoded(answer: str) -> object:
    try:
        return json.loads(answer)
    except ValueError:
        return answer


async def _answers(asked: bytes, seconds: float) -> tuple[dict[str, dict[str, Any]], str]:
    """What came of each step by name, and what stopped the trial before its end, if anything."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-X",
        "utf8",
        str(CHILD),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"RUST_BACKTRACE": "0"},
        limit=_LINE,
    )
    try:
        return await _heard(child, asked, seconds)
    except OSError as error:
        raise SekishoError(f"the process that tries policies failed: {error}") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        if child.stdin is not None:
            child.stdin.close()
        await asyncio.shield(child.wait())


async def _heard(
    child: asyncio.subprocess.Process, asked: bytes, seconds: float
) -> tuple[dict[str, dict[str, Any]], str]:
    if child.stdin is None or child.stdout is None:
        raise OSError("no pipes")
    answers: dict[str, dict[str, Any]] = {}
    step = "compile"
    child.stdin.write(asked)
    await child.stdin.drain()
    child.stdin.write_eof()
    while True:
        try:
            async with asyncio.timeout(seconds):
                line = await child.stdout.readline()
        except TimeoutError:
            return answers, f"it does not come to an end: {step} took over {seconds:g} s and was stopped"
        if not line:
            done = await child.wait()
            return answers, "" if done == 0 else f"the engine died of it: {step} (signal or exit {done})"
        said = json.loads(line)
        step = said.get("begin", step)
        if "name" in said:
            answers[said["name"]] = said
