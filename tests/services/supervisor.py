"""Brings services up and down, and writes down where they are."""

import fcntl
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.services.background import Background, Launch, spawn, usable_port
from tests.services.workspace import ServiceError, Workspace

READY_SECONDS = 60.0


class Service(Protocol):
    """What one service knows about itself; starting and stopping are the supervisor's."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """What must be running: a process started from another version is replaced."""

    def install(self) -> None:
        """Install what is absent; quick where nothing is."""

    def launch(self, port: int) -> Launch: ...

    def answers(self, port: int) -> bool:
        """Whether the program itself is up; within two seconds, never raises."""

    def complete(self, port: int) -> bool:
        """Whether it also holds all that tests expect of it, such as Ollama's models."""

    def fill(self, port: int) -> None:
        """Add what `complete` misses, once it answers."""

    def env(self, port: int) -> dict[str, str]:
        """The variables that tell tests where it is."""


@dataclass(frozen=True)
class Supervisor:
    workspace: Workspace
    services: Sequence[Service]

    def start(self, names: Sequence[str]) -> list[ServiceError]:
        """Install and start the named services side by side; returns what failed, the rest is up."""
        with self._alone(), ThreadPoolExecutor(max_workers=len(self.services)) as pool:
            failures = [failure for failure in pool.map(self._try_up, self._named(names)) if failure]
            self._write_env()
        return failures

    def stop(self, names: Sequence[str]) -> None:
        with self._alone():
            for service in self._named(names):
                self._down(service)
            self._write_env()

    def running(self, service: Service) -> Background | None:
        """The process of a service that is alive, of the wanted version, and complete."""
        process = Background.read(self._record(service))
        if process is None or not process.alive or process.version != service.version:
            return None
        return process if service.answers(process.port) and service.complete(process.port) else None

    def _try_up(self, service: Service) -> ServiceError | None:
        try:
            self._up(service)
        except ServiceError as failure:
            return failure
        return None

    def _up(self, service: Service) -> None:
        if process := self.running(service):
            self.workspace.progress.say(service.name, f"already up on 127.0.0.1:{process.port}")
            return
        service.install()
        earlier = Background.read(self._record(service))
        if earlier:
            earlier.stop()
        port = usable_port(earlier.port if earlier else None)
        log = self.workspace.log(service.name)
        started, child = spawn(service.launch(port), port, service.version, log)
        started.write(self._record(service))
        self._await_answer(service, port, child, log)
        if not service.complete(port):
            service.fill(port)
        self.workspace.progress.say(service.name, f"up on 127.0.0.1:{port}")

    def _await_answer(self, service: Service, port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
        data = self.workspace.root / service.name
        remedy = f"read {log}; if its data is at fault, remove {data} and start again"
        deadline = time.monotonic() + READY_SECONDS
        while not service.answers(port):
            if (status := child.poll()) is not None:
                raise ServiceError(f"{service.name}: ended with status {status} while starting", remedy, log)
            if time.monotonic() > deadline:
                raise ServiceError(f"{service.name}: no answer in {READY_SECONDS:.0f} s", remedy, log)
            time.sleep(0.1)

    def _down(self, service: Service) -> None:
        process = Background.read(self._record(service))
        if process is None or not process.alive:
            self.workspace.progress.say(service.name, "not running")
            return
        process.stop()
        self.workspace.progress.say(service.name, "stopped")

    def _write_env(self) -> None:
        lines = [
            f"{key}={value}\n"
            for service in self.services
            if (process := self.running(service))
            for key, value in service.env(process.port).items()
        ]
        # Replaced in one move: a test run may be reading it.
        draft = self.workspace.env_file.with_suffix(".new")
        draft.write_text("".join(lines))
        if lines:
            draft.replace(self.workspace.env_file)
        else:
            draft.unlink()
            self.workspace.env_file.unlink(missing_ok=True)

    def _named(self, names: Sequence[str]) -> list[Service]:
        return [service for service in self.services if not names or service.name in names]

    def _record(self, service: Service) -> Path:
        return self.workspace.folder("run") / f"{service.name}.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One start or stop at a time in a checkout: two would build the same program into the same place."""
        with (self.workspace.folder("run") / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.workspace.progress.say("services", "waiting for another start or stop to end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
