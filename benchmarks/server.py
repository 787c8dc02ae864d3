"""The real API as a process of its own, on a scratch data folder."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sekisho.cli.supervision import PARENT
from sekisho.identity.types import Actor
from sekisho.kernel.migrations import upgrade
from sekisho.kernel.settings import Settings
from sekisho.wiring.services import Services, build_services

PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready. `ready_s` is the time from its start to its first 200 at /readyz.

    `cpu_s` is the processor's time that this took: its own, and its policy engine's. Other work on the machine
    lengthens the one far more than the other.
    """

    port: int
    pid: int
    token: str
    ready_s: float
    cpu_s: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder that is gone afterwards."""
    with TemporaryDirectory(prefix="sekisho-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def settings_of(folder: Path, **more: Any) -> Settings:
    return Settings(data_dir=folder, **more)


async def opened(settings: Settings) -> tuple[Services, Actor]:
    """The product's services on a migrated database, with its first admin. Close them at the end."""
    services = build_services(settings)
    await upgrade(services.database)
    await services.start()
    token = (settings.data_dir / "admin.token").read_text().strip()
    return services, await services.identity.authenticate(token)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """`sekisho serve` on this folder, whose database is migrated. Its log goes to a file there."""
    port = free_port()
    with running([sys.executable, "-m", "sekisho.cli", "serve"], folder, {"SEKISHO_PORT": str(port)}) as process:
        started = time.perf_counter()
        wait_for(port, process, "/readyz")
        ready = time.perf_counter() - started
        cpu = cpu_s([process.pid, *children(process.pid)])
        yield Server(port, process.pid, (folder / "admin.token").read_text().strip(), ready, cpu)


@contextmanager
def running(command: Sequence[str], folder: Path, more: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Sekisho, of nobody else's settings, that ends with this block or with this process."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    ours = {"SEKISHO_DATA_DIR": str(folder), PARENT: str(os.getpid()), **more}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env={**plain, **ours}, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def chroma_server(folder: Path) -> Iterator[str]:
    """The URL of a Chroma server, a process of its own, whose data are in this folder."""
    port, program = free_port(), str(Path(sys.executable).with_name("chroma"))
    command = [program, "run", "--path", str(folder / "chroma-server"), "--host", "127.0.0.1", "--port", str(port)]
    with running(command, folder, {}) as process:
        wait_for(port, process, "/api/v2/heartbeat")
        yield f"http://127.0.0.1:{port}"


def wait_for(port: int, process: subprocess.Popen[bytes], path: str = "/healthz") -> None:
    """Return at its first answer. Raises RuntimeError where it ends, or answers nothing for a minute."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.002)
        finally:
            connection.close()
    raise RuntimeError(f"the server did not answer; exit code {process.poll()}")


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def cpu_s(pids: Sequence[int]) -> float:
    """Seconds of processor time that these processes have used so far; 0 where that cannot be seen."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            # The name of the program, which may hold spaces, ends with the last parenthesis.
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
