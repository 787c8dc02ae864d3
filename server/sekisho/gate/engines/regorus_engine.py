"""regorus behind the port: one supervised child process, killed and replaced when it is late, dies or panics."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from sekisho.gate.engines.port import refuse_allow_on_nothing
from sekisho.gate.policies import PolicySet
from sekisho.kernel.errors import EngineFailed, ExtraMissing

CHILD: Final = Path(__file__).with_name("regorus_child.py")
MEMORY: Final = 1 << 30
"""Address space of the child, in bytes; evaluating 50 KB takes a few MB of it."""
STARTUP_MS: Final = 10_000
LARGEST_ANSWER: Final = 16 << 20
_HEADER: Final = struct.Struct(">I")


@dataclass
class RegorusEngine:
    """Evaluates in a child process, one input at a time. Belongs to the event loop that first asks it."""

    policies: PolicySet
    timeout_ms: int
    memory: int = MEMORY
    name: str = "regorus"
    _child: asyncio.subprocess.Process | None = field(default=None, init=False, repr=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        if find_spec("regorus") is None:
            raise ExtraMissing(
                "the embedded policy engine regorus is not installed",
                remedy="pip install 'sekisho[server]', or, where no wheel exists for this machine, run an OPA server"
                " and set SEKISHO_POLICY_ENGINE=opa",
            )

    @property
    def version(self) -> str:
        try:
            return package_version("celine-regorus")
        except PackageNotFoundError:
            return ""

    @property
    def policy_digest(self) -> str:
        return self.policies.digest

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        try:
            request = msgspec.json.encode(document)
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise EngineFailed(f"the gate input has no JSON form: {error}") from error
        try:
            async with asyncio.timeout(self.timeout_ms / 1000 + STARTUP_MS / 1000):
                await self._turn.acquire()
        except TimeoutError as error:
            raise EngineFailed("regorus is busy with other decisions; this one waited in vain") from error
        try:
            return _decode(await self._ask(request))
        finally:
            self._turn.release()

    async def check(self) -> None:
        if fault := refuse_allow_on_nothing(await self.evaluate({})):
            raise EngineFailed(f"regorus failed its self-test: {fault}", remedy="mend the policy: sekisho policy test")

    async def close(self) -> None:
        await self._stop()

    async def _ask(self, request: bytes) -> bytes:
        child = await self._running()
        return await self._exchange(child, request, self.timeout_ms, "evaluate")

    async def _running(self) -> asyncio.subprocess.Process:
        if self._child is not None and self._child.returncode is None:
            return self._child
        await self._stop()
        try:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-X",
                "utf8",
                str(CHILD),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"RUST_BACKTRACE": "0"},
            )
        except OSError as error:
            raise EngineFailed(f"the regorus process cannot be started: {error}") from error
        await self._exchange(self._child, self._opening(), STARTUP_MS, "load the policy")
        return self._child

    def _opening(self) -> bytes:
        files = {path: content.decode("utf-8") for path, content in self.policies.files.items()}
        return msgspec.json.encode({"files": files, "data": self.policies.data, "memory": self.memory})

    async def _exchange(self, child: asyncio.subprocess.Process, request: bytes, patience_ms: int, task: str) -> bytes:
        """One frame there and one back. Whatever goes wrong, or is cancelled, the child does not outlive it."""
        whole = False
        try:
            async with asyncio.timeout(patience_ms / 1000):
                answer = await _frame(child, request)
            whole = True
        except TimeoutError as error:
            raise EngineFailed(f"regorus did not {task} within {patience_ms} ms and was stopped") from error
        except (asyncio.IncompleteReadError, OSError) as error:
            raise EngineFailed(f"the regorus process died when asked to {task}") from error
        finally:
            if not whole:
                await self._stop()
        if answer[:1] != b"+":
            raise EngineFailed(f"regorus could not {task}: {answer[1:].decode('utf-8', 'replace')}")
        return answer[1:]

    async def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        if child.stdin is not None:
            child.stdin.close()
        await asyncio.shield(child.wait())


async def _frame(child: asyncio.subprocess.Process, request: bytes) -> bytes:
    if child.stdin is None or child.stdout is None:
        raise OSError("no pipes")
    child.stdin.write(_HEADER.pack(len(request)) + request)
    await child.stdin.drain()
    (length,) = _HEADER.unpack(await child.stdout.readexactly(_HEADER.size))
    if length > LARGEST_ANSWER:
        raise OSError(f"an answer of {length} bytes")
    return await child.stdout.readexactly(length)


def _decode(answer: bytes) -> object:
    try:
        return msgspec.json.decode(answer)
    except msgspec.DecodeError as error:
        raise EngineFailed(f"regorus answered something that is not JSON: {error}") from error
