"""Keeping child processes alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sekisho.cli.supervision import Child, Supervisor

FOREVER = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def child(name: str, script: str, *words: str) -> Child:
    return Child(name, [sys.executable, "-c", script, *words], backoff_s=0.05)


@contextmanager
def supervising(*children: Child, grace_s: float = 5.0) -> Iterator[tuple[Supervisor, list[str]]]:
    said: list[str] = []
    supervisor = Supervisor(children, said.append, grace_s=grace_s)
    supervisor.start()
    try:
        yield supervisor, said
    finally:
        supervisor.close()


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_dead_child_is_started_again(tmp_path: Path) -> None:
    """Killed or ended, it comes back; what happened is said, with a longer wait each time."""
    starts = tmp_path / "starts"
    script = f"open({str(starts)!r}, 'a').write('x'); import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with supervising(child("worker", script), child("serve", FOREVER)) as (supervisor, said):
        assert supervisor.watch(until=lambda: starts.exists() and len(starts.read_text()) >= 4) is None
    assert said[:3] == [
        f"worker ended (killed by SIGKILL); it starts again in {wait} s" for wait in ("0.05", "0.1", "0.2")
    ]
    assert not [line for line in said if line.startswith("serve")]


def test_a_child_that_can_never_run_ends_it_all() -> None:
    """Exit code 2 is wrong input: the child has said what, and a restart changes nothing."""
    serve = child("serve", FOREVER)
    with supervising(serve, child("worker", "raise SystemExit(2)")) as (supervisor, said):
        assert supervisor.watch() == 2
    assert said == []
    assert serve.ended() == -signal.SIGTERM


def test_stopping_ends_every_child() -> None:
    """One that ignores the request is killed when its time is up; the others do not wait for it."""
    polite, stubborn = child("serve", FOREVER), child("worker", STUBBORN)
    with supervising(polite, stubborn, grace_s=1.0) as (supervisor, _):
        threading.Timer(0.5, supervisor.stop).start()
        assert supervisor.watch() == 0
    assert polite.ended() == -signal.SIGTERM
    assert stubborn.ended() in {-signal.SIGKILL, -signal.SIGTERM}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_supervisor_and_children(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, and what a process manager sends."""
    process = _supervisor(tmp_path)
    pid = _pid(tmp_path)
    process.send_signal(number)
    assert process.wait(20) == 0
    assert not _alive(pid)


def test_children_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    """kill -9 leaves no process behind that would hold the port."""
    process = _supervisor(tmp_path)
    pid = _pid(tmp_path)
    process.kill()
    process.wait()
    eventually(lambda: not _alive(pid))


CHILD = """
import os, pathlib, sys, time
from sekisho.cli.supervision import end_with_supervisor
end_with_supervisor()
path = pathlib.Path(sys.argv[1])
path.with_suffix(".part").write_text(str(os.getpid()))
path.with_suffix(".part").rename(path)
time.sleep(600)
"""

PARENT = """
import sys
from sekisho.cli.supervision import Child, Supervisor
supervisor = Supervisor([Child("serve", [sys.executable, "-c", sys.argv[1], sys.argv[2]])], print)
supervisor.stop_on_signals()
supervisor.start()
try:
    code = supervisor.watch()
finally:
    supervisor.close()
raise SystemExit(code)
"""


def _supervisor(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(folder / "pid")])


def _pid(folder: Path) -> int:
    eventually((folder / "pid").exists)
    return int((folder / "pid").read_text())


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie waits for init, or nobody, to collect it; it holds nothing any more.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
