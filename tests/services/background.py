"""Processes that outlive the command that started them: start, recognise again later, stop."""

import contextlib
import json
import os
import pwd
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.services.workspace import Command

STOP_SECONDS = 10.0
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Launch:
    """How to start a service: the command, what it adds to the environment, whom it runs as."""

    command: Command
    env: Mapping[str, str]
    user: str | None = None
    # What asks the program to end without waiting for its clients.
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(frozen=True)
class Background:
    """A process started earlier. `born` tells it from a later process that was given the same id."""

    pid: int
    born: str
    port: int
    version: str
    stop_signal: int

    @classmethod
    def read(cls, record: Path) -> "Background | None":
        try:
            return cls(**json.loads(record.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, record: Path) -> None:
        record.write_text(json.dumps(asdict(self)) + "\n")

    @property
    def alive(self) -> bool:
        return birth(self.pid) == self.born

    def stop(self) -> None:
        """Ask the process to end; after ten seconds end it, and in any case what it left behind."""
        if not self.alive:
            return
        _signal(os.kill, self.pid, self.stop_signal)
        deadline = time.monotonic() + STOP_SECONDS
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        # It was started as leader of its own group, so this reaches its children and nobody else's.
        _signal(os.killpg, self.pid, signal.SIGKILL)


def spawn(launch: Launch, port: int, version: str, log: Path) -> tuple[Background, subprocess.Popen[bytes]]:
    """Start a service in a session of its own, so that neither make's end nor Ctrl-C reaches it."""
    user = pwd.getpwnam(launch.user) if launch.user else None
    with log.open("wb") as out:
        process = subprocess.Popen(
            launch.command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, **launch.env},
            start_new_session=True,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    # Takes note if it ends while this command still runs; abandons it without a warning if it does not.
    threading.Thread(target=process.wait, daemon=True).start()
    born = birth(process.pid) or "ended at once"
    return Background(process.pid, born, port, version, int(launch.stop_signal)), process


def birth(pid: int) -> str | None:
    """When the process started, as the system words it; None where it has ended."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The second field is the program's name in brackets and may hold spaces.
            state, *fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        # A zombie has ended: in a container nobody may come to reap it.
        return None if state in "ZX" else fields[18]
    ps = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return ps.stdout.strip() or None


def usable_port(preferred: int | None) -> int:
    """The port used last time if it is still free, so that addresses survive a restart; else a free one."""
    # Below the range that outgoing connections take theirs from, so that the port is still free after a restart.
    for port in (preferred, *random.sample(_PORTS, 20), 0):
        if port is None:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            # As servers do: a port whose old connections are in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    message = "no free port on 127.0.0.1"
    raise OSError(message)


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        send(pid, number)
