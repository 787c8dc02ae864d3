"""Keeping child processes alive, for `sekisho up`: a dead one starts again, later each time; both end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

PARENT: Final = "SEKISHO_SUPERVISOR_PID"
USAGE: Final = 2
"""The exit code that says: starting me again changes nothing."""


@dataclass
class Child:
    """One process that should run: `sekisho NAME`, unless another `command` is given."""

    name: str
    command: Sequence[str] = ()
    backoff_s: float = 0.5
    longest_backoff_s: float = 30.0
    steady_s: float = 60.0
    process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0
    _delay: float = 0.0
    _not_before: float = 0.0

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches it through the supervisor only."""
        self.process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own words
            self.command or [sys.executable, "-m", "sekisho.cli", self.name],
            env={**os.environ, PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._started = time.monotonic()

    def ended(self) -> int | None:
        """Exit code of a process that has ended since it was last started."""
        return None if self.process is None else self.process.poll()

    def note_death(self) -> float:
        """Forget the dead process; gives the seconds until it is started again."""
        now = time.monotonic()
        steady = now - self._started >= self.steady_s
        self._delay = self.backoff_s if steady or not self._delay else min(self._delay * 2, self.longest_backoff_s)
        self._not_before = now + self._delay
        self.process = None
        return self._delay

    @property
    def due(self) -> bool:
        return self.process is None and time.monotonic() >= self._not_before

    def stop(self, grace_s: float) -> None:
        """Ask, wait, and then insist."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Supervisor:
    """Runs its children until `stop` is called or one of them says that it never can run.

    `say` is told what happens, in words for a person.
    """

    children: Sequence[Child]
    say: Callable[[str], None]
    grace_s: float = 15.0
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        for child in self.children:
            child.start()

    def stop(self) -> None:
        """May be called from a signal's handler."""
        self._stopping.set()

    def stop_on_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stop())

    def watch(self, *, until: Callable[[], bool] = lambda: False) -> int | None:
        """Keep the children running until `until` says true (None), or the end of it all (the exit code)."""
        while not self._stopping.is_set():
            if until():
                return None
            for child in self.children:
                if child.due:
                    child.start()
                code = child.ended()
                if code == USAGE:
                    return USAGE
                if code is not None:
                    delay = child.note_death()
                    self.say(f"{child.name} ended ({_how(code)}); it starts again in {delay:g} s")
            self._stopping.wait(0.1)
        return 0

    def close(self) -> None:
        """End every child, all at once, so that the wait is the slowest one's."""
        threads = [threading.Thread(target=child.stop, args=[self.grace_s]) for child in self.children]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def end_with_supervisor() -> None:
    """In a child: ask this process to end once its supervisor is gone, even killed, so that no port stays taken."""
    supervisor = int(os.environ.get(PARENT, "0"))
    if not supervisor:
        return

    def watch() -> None:
        while os.getppid() == supervisor:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
