"""Parsing in a process of its own: a file that never ends, eats memory or brings its parser down harms no other."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import IO, Final

import msgspec

from sekisho.indexing.sources.child import HEAD, Answer
from sekisho.indexing.sources.types import Limits, Parsed, Refusal, Rows, Task

_KEPT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
"""All of the environment that the parsing process sees: no token is in it."""


class ParserProcess(AbstractContextManager["ParserProcess"]):
    """Started with the first file that needs it, and again after one that it did not survive."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def parse(self, kind: str, data: bytes, rows: Rows | None = None) -> Parsed:
        """Raises `Refusal`, with the limit named where one was passed."""
        process = self._process = self._process or _start()
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.limits.seconds, stop)
        timer.start()
        try:
            answer = _ask(process, Task(kind=kind, limits=self.limits, rows=rows, size=len(data)), data)
        finally:
            timer.cancel()
        if answer is None or answer.last:
            self.close()
        if answer is None:
            down = f"brought its parser down, whose memory ends at {self.limits.memory_bytes} bytes"
            raise Refusal(f"took its parser over {self.limits.seconds:g} s" if late.is_set() else down)
        if answer.refused:
            raise Refusal(answer.refused)
        return answer.parsed

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        process.wait()

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sekisho.indexing.sources.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
    )


def _ask(process: subprocess.Popen[bytes], task: Task, data: bytes) -> Answer | None:
    """None where the process ended before it had answered."""
    assert process.stdin is not None  # noqa: S101  # both are pipes, as `_start` says
    assert process.stdout is not None  # noqa: S101
    head = msgspec.json.encode(task)
    try:
        process.stdin.write(HEAD.pack(len(head)) + head + data)
        process.stdin.flush()
    except OSError:
        return None
    size = _exactly(process.stdout, HEAD.size)
    message = None if size is None else _exactly(process.stdout, HEAD.unpack(size)[0])
    return None if message is None else msgspec.json.decode(message, type=Answer)


def _exactly(pipe: IO[bytes], size: int) -> bytes | None:
    found = pipe.read(size)
    return found if len(found) == size else None
