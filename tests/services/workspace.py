"""Where the services live on disk, how they report progress, and how an install step is run.

Everything is under `.services/` in the checkout: `bin/` for built programs, `logs/`, one folder of data per
service, `run/` for what is known of each process, and `env` for the tests.
"""

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Command: TypeAlias = Sequence[str | Path]

TAIL_LINES = 25
STILL_AT_IT_SECONDS = 30.0


class ServiceError(Exception):
    """A service could not be installed, started or stopped; carries what mends it and the log to read."""

    def __init__(self, what: str, remedy: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.log = log

    def report(self) -> str:
        lines = [self.what]
        if self.log is not None:
            lines += [f"  last lines of {self.log}:", *(f"  | {line}" for line in tail(self.log))]
        return "\n".join([*lines, f"  remedy: {self.remedy}"])


@dataclass(frozen=True)
class Progress:
    """Prints one line per step with the seconds since the start; services report from several threads."""

    since: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, service: str, message: str) -> None:
        with self.lock:
            print(f"[{time.monotonic() - self.since:6.1f} s] {service:<9} {message}", flush=True)


@dataclass(frozen=True)
class Workspace:
    """The folder `.services/` and the steps that are run in it."""

    root: Path
    progress: Progress = field(default_factory=Progress)

    @property
    def bin(self) -> Path:
        return self.folder("bin")

    @property
    def env_file(self) -> Path:
        return self.root / "env"

    def folder(self, name: str) -> Path:
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, name: str) -> Path:
        return self.folder("logs") / f"{name}.log"

    def step(
        self,
        service: str,
        doing: str,
        command: Command,
        remedy: str,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run one install step to its end, with its output in a log.

        A long step says every half minute that it is still running, since CI ends jobs that fall silent.

        Raises:
            ServiceError: the command is absent or failed.
        """
        self.progress.say(service, doing)
        log = self.log(f"{service}-install")
        began = time.monotonic()
        with log.open("ab") as out:
            out.write(f"$ {' '.join(map(str, command))}\n".encode())
            out.flush()
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(env or {})},
                )
            except FileNotFoundError as absent:
                raise ServiceError(f"{service}: {command[0]} is not installed", remedy) from absent
            while (status := _wait(process, STILL_AT_IT_SECONDS)) is None:
                self.progress.say(service, f"still {doing} ({time.monotonic() - began:.0f} s)")
        if status != 0:
            raise ServiceError(f"{service}: {doing} failed with status {status}", remedy, log)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def gently(command: Command) -> Command:
    """The same command at a low priority, so that a build leaves the machine usable."""
    nice = shutil.which("nice")
    return [nice, "-n", "10", *command] if nice else command


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return ["(no log was written)"]


def fetch_json(url: str, seconds: float = 2.0) -> Any:
    """What a service on this machine answers, or None where it does not answer 200 with JSON."""
    # Straight to the address: a proxy named in the environment knows nothing of this machine's loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds) as response:
            return json.loads(response.read() or b"{}")
    except (urllib.error.URLError, OSError, ValueError):
        return None
