"""The API as a process of its own: what it loads, how it starts and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.services.background import usable_port

pytestmark = pytest.mark.slow
HEAVY = {"torch", "chromadb", "numpy", "scipy", "sentence_transformers", "transformers", "bm25s"}


def sekisho(*words: str) -> list[str]:
    return [sys.executable, "-m", "sekisho.cli", *words]


@pytest.fixture
def environment(data_dir: Path) -> dict[str, str]:
    """Settings of a server on a free port and a migrated database of its own."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    port = usable_port(None)
    environment = {**mine, "SEKISHO_DATA_DIR": str(data_dir), "SEKISHO_PORT": str(port), "SEKISHO_LOG_FORMAT": "json"}
    subprocess.run(sekisho("db", "upgrade"), env=environment, cwd=data_dir, check=True, capture_output=True)
    return environment


@pytest.fixture
def server(environment: dict[str, str], data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`sekisho serve`, ready; what it imports goes to the file `log` in its data folder."""
    with (data_dir / "log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            sekisho("serve"), env={**environment, "PYTHONPROFILEIMPORTTIME": "1"}, cwd=data_dir, stderr=log
        )
        wait_until_ready(process, address(environment), started)
        print(f"ready after {time.perf_counter() - started:.2f} s")
        yield process
        process.kill()
        process.wait()


def address(environment: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environment['SEKISHO_PORT']}"


def wait_until_ready(process: subprocess.Popen[bytes], url: str, started: float) -> None:
    while process.poll() is None and time.perf_counter() - started < 60:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.02)
    pytest.fail(f"not ready; exit code {process.poll()}")


def test_the_api_loads_nothing_heavy(server: subprocess.Popen[bytes], data_dir: Path) -> None:
    """No torch, Chroma or numpy in the process that answers requests; its size is printed, not judged."""
    status = Path(f"/proc/{server.pid}/status")
    if status.exists():
        resident = int(re.findall(r"VmRSS:\s+(\d+) kB", status.read_text())[0])
        print(f"{resident / 1024:.0f} MB resident")
    imported = set(re.findall(r"\|\s+(\w+)$", (data_dir / "log").read_text(), re.MULTILINE))
    assert {"litestar", "sqlalchemy"} <= imported
    assert imported & HEAVY == set()


def test_the_api_starts_without_what_only_some_requests_need(server: subprocess.Popen[bytes], data_dir: Path) -> None:
    """Validators, templates, migrations, drivers and clients of other servers are loaded when they are asked for."""
    imported = set(re.findall(r"\|\s+(\w+)$", (data_dir / "log").read_text(), re.MULTILINE))
    assert imported & {"jsonschema", "jinja2", "alembic", "asyncpg", "httpx", "opa_client", "pydantic"} == set()


def test_it_ends_when_asked_and_starts_again(server: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    """SIGTERM ends it within its grace; a second start finds its admin, its key and its data."""
    keys = httpx.get(f"{address(environment)}/v1/keys", trust_env=False)
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) in {0, -signal.SIGTERM}
    again = subprocess.Popen(sekisho("serve"), env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(again, address(environment), time.perf_counter())
        assert httpx.get(f"{address(environment)}/v1/keys", trust_env=False).json() == keys.json()
    finally:
        again.kill()
        again.wait()


def test_a_taken_port_is_told_in_a_sentence(server: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    """Exit code 2, which the supervisor takes for an end, not for a crash to be repeated."""
    for command in ("serve", "up"):
        second = subprocess.run(sekisho(command), env=environment, capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert "cannot listen on 127.0.0.1" in second.stderr
        assert "Traceback" not in second.stderr
