"""`sekisho up`: API and worker under one command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.services.background import usable_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc"),
]


def eventually(holds: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def children(pid: int) -> dict[str, int]:
    """The living processes that `pid` started, by the subcommand they run."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        if "sekisho.cli" in words:
            found[words[words.index("sekisho.cli") + 1]] = int(child)
    return found


@pytest.fixture
def address() -> str:
    return f"http://127.0.0.1:{usable_port(None)}"


@pytest.fixture
def up(address: str, data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`sekisho up` on an empty folder; what it says goes to the file `log` there."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    settings = {"SEKISHO_DATA_DIR": str(data_dir), "SEKISHO_PORT": address.rpartition(":")[2]}
    command = [sys.executable, "-m", "sekisho.cli", "up"]
    with (data_dir / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**mine, **settings}, cwd=data_dir, stderr=log)
        yield process
    process.terminate()
    process.wait(60)


def ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_up_migrates_starts_restarts_and_ends(up: subprocess.Popen[bytes], address: str, data_dir: Path) -> None:
    """From an empty folder to a ready server; a killed API or worker comes back; Ctrl-C ends all with code 0."""
    log = data_dir / "log"
    eventually(lambda: up.poll() is not None or (ready(address) and "worker works" in log.read_text()))
    assert up.poll() is None, log.read_text()
    eventually(lambda: f"API           {address}" in log.read_text())
    assert (data_dir / "admin.token").exists()
    before = children(up.pid)
    assert set(before) == {"serve", "worker"}
    for name in before:
        os.kill(before[name], signal.SIGKILL)
    eventually(lambda: ready(address) and log.read_text().count("worker works") == 2)
    after = children(up.pid)
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    assert "serve ended (killed by SIGKILL); it starts again in 0.5 s" in log.read_text()
    up.send_signal(signal.SIGINT)
    assert up.wait(60) == 0
    assert not ready(address)
    assert log.read_text().count("worker stops") == 1
    assert "Traceback" not in log.read_text()
