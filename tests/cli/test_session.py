"""What every command shares: projects, locks, keys, and text that is shown as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from sekisho.cli import main
from sekisho.cli.lock import Lock, write_lock
from sekisho.cli.session import Session, exit_code_of
from sekisho.client import Client
from sekisho.http.problems import STATUS
from sekisho.kernel.errors import ExtraMissing, Invalid, SekishoError

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    """A lock of the project ``eu`` with one agent."""
    path = tmp_path / "sekisho.lock"
    write_lock(Lock(path, "eu", {"agent/docs": DIGEST}))
    return path


class Server:
    """Answers every promotion with a denial that quotes a hostile case id, and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        rule = {
            "id": "FAI-02",
            "title": "The gap",
            "blocking": True,
            "status": "failed",
            "waived": False,
            "mode": "enforce",
            "message": "worst cases: [/x], [bold]q-1[/bold]",
            "observed": "",
            "required": "",
            "remedy": "",
            "details": [],
        }
        stage = json.loads(request.content)["stage"]
        decision: dict[str, Any] = {
            "id": "d-1",
            "subject": "agent/docs",
            "number": 1,
            "digest": DIGEST,
            "action": "promote",
            "stage": stage,
            "outcome": "deny",
            "exit_code": 1,
            "policy_digest": DIGEST,
            "engine": "set 1",
            "rules": [rule],
        }
        return httpx.Response(201, json={"id": "p-1", "applied": False, "dry_run": False, "decision": decision})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    made = Client("http://sekisho.test", transport=httpx.MockTransport(server))
    monkeypatch.setattr(Session, "client", made)
    return server


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_another_project_than_the_locks_is_refused(lock_file: Path, server: Server) -> None:
    """Asked for by name, it contradicts the lock; nothing is sent."""
    result = run("--project", "us", "promote", "--to", "staging", "--lock", str(lock_file))
    assert result.exit_code == 2
    assert "is of project eu" in result.stderr
    assert server.requests == []


def test_the_locks_project_is_worked_in(lock_file: Path, server: Server) -> None:
    """Without ``--project`` the lock says which one, so that apply, eval and promote speak of the same."""
    run("promote", "--to", "staging", "--lock", str(lock_file))
    assert server.requests[0].url.path == "/v1/projects/eu/promotions"
    assert json.loads(server.requests[0].content)["subject"] == f"agent/docs@{DIGEST}"


def test_what_a_case_is_called_is_never_markup(lock_file: Path, server: Server) -> None:
    """Brackets in somebody's case id are printed, and neither vanish nor break the command."""
    result = run("promote", "--to", "staging", "--lock", str(lock_file))
    assert result.exit_code == 1
    assert "worst cases: [/x], [bold]q-1[/bold]" in result.stdout


def test_one_key_serves_a_whole_job(lock_file: Path, server: Server) -> None:
    """The same key for two stages is two requests; for the same stage twice it is one."""
    for stage in ("staging", "production", "staging"):
        run("promote", "--to", stage, "--lock", str(lock_file), "--idempotency-key", "ci-17")
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert keys[0] != keys[1]
    assert keys[0] == keys[2]
    assert all(key.startswith("ci-17:") for key in keys)


def test_without_a_lock_nothing_is_guessed(tmp_path: Path, server: Server) -> None:
    """Exit code 2, and the command that writes one."""
    result = run("promote", "--to", "staging", "--lock", str(tmp_path / "sekisho.lock"))
    assert result.exit_code == 2
    assert "sekisho apply" in result.stderr
    assert server.requests == []


def test_a_lock_of_two_agents_wants_a_name(tmp_path: Path) -> None:
    """The caller says which one is meant."""
    path = tmp_path / "sekisho.lock"
    write_lock(Lock(path, "default", {"agent/a": DIGEST, "agent/b": DIGEST}))
    result = run("promote", "--to", "staging", "--lock", str(path))
    assert result.exit_code == 2
    assert "holds 2 agents" in result.stderr


def test_adopting_is_refused_before_anything_is_asked(lock_file: Path) -> None:
    """The session itself says so, whichever command asks."""
    with pytest.raises(Invalid):
        Session(project="us", project_given=True).adopt(Lock(lock_file, "eu", {}))


@pytest.mark.parametrize("kind", sorted(STATUS, key=str))
def test_a_caller_who_must_mend_his_input_is_not_told_to_try_again(kind: type[SekishoError]) -> None:
    """Exit code 2 where the server would say that the request is at fault, and where an extra is missing; else 4."""
    callers = STATUS[kind][0] < 500 or kind is ExtraMissing
    assert exit_code_of(kind("it is so")) == (2 if callers else 4)
