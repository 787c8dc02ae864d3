"""The demo's own server: `sekisho up` in a process of its own, its log in a file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

import httpx

from sekisho.kernel.errors import Unavailable

LOCAL_OLLAMA: Final = "http://127.0.0.1:11434"
"""Where an Ollama on this machine listens unless told otherwise."""
STOP_S: Final = 30
_LAST_LINES: Final = 15


def ollama_answers(address: str) -> bool:
    """Whether an Ollama host is there, told within half a second."""
    try:
        with httpx.Client(timeout=0.5, trust_env=False) as http:
            return "version" in http.get(f"{address}/api/version").json()
    except (httpx.HTTPError, ValueError):
        return False


@dataclass
class Server:
    """API and worker, from `start` to `stop`. `environment` is laid over this process's own."""

    address: str
    environment: Mapping[str, str]
    log: Path
    command: Sequence[str] = (sys.executable, "-m", "sekisho.cli", "up")
    patience_s: float = 90.0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Raises `Unavailable` with the log's end where it does not become ready."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own words
                self.command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which ends the server when it is done itself
            )
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise self._failed(f"`sekisho up` ended with exit code {self._process.returncode}")
            if _ready(self.address):
                return
            time.sleep(0.2)
        self.stop()
        raise self._failed(f"the server was not ready after {self.patience_s:g} s")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ask it to end, and insist after a while."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _failed(self, what: str) -> Unavailable:
        lines = self.log.read_text("utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return Unavailable("\n".join([what, *lines]), remedy=f"see {self.log}")


def free_port(host: str, wanted: int, *, exactly: bool) -> int:
    """`wanted` where it is free or must be it, else any other."""
    for port in (wanted, 0):
        try:
            with socket.create_server((host, port)) as listener:
                return int(listener.getsockname()[1])
        except OSError:
            if exactly:
                return wanted  # `sekisho up` says what is wrong with it
    return wanted


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=2, trust_env=False).is_success  # no proxy: it is this machine
    except httpx.HTTPError:
        return False
