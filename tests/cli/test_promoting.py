"""`sekisho promote` without a selector: what the lock of this commit says, and nothing newer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from tests.api_client import ApiClient
from tests.cli.projects import PROJECT, changed, write
from tests.identity.commands import Bridge
from tests.registry.manifests import register_agent

from sekisho.cli import Rooms, apply, gate, registry
from sekisho.cli.session import Session
from sekisho.client import Client

GIT = ("--author", "Ada <ada@example.org>", "--commit", "1")


async def sekisho(api: ApiClient, *words: str) -> Any:
    """One command by an author; its exit code and what it printed."""
    state = Session()
    bridge = Bridge(api, asyncio.get_running_loop())
    state.__dict__["client"] = Client("http://sekisho.test", await api.token_for("author"), transport=bridge)
    group = Rooms("sekisho", commands=[*apply.commands, *gate.commands, *registry.commands])
    return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)


async def served(api: ApiClient) -> int:
    """The number of the prompt's version at dev."""
    answer = await api.get(
        "/v1/projects/default/resolve/prompt/ask", params={"selector": "dev"}, headers=await api.role("viewer")
    )
    return int(answer.json()["number"])


async def test_a_git_revert_promotes_the_reverted_bytes(api: ApiClient, tmp_path: Path) -> None:
    """With the first lock back in place the first version is promoted, although a newer one is the latest."""
    file, lock = write(tmp_path), tmp_path / "sekisho.lock"
    to_dev = ("promote", "prompt/ask", "--to", "dev", "--lock", str(lock))
    assert (await sekisho(api, "apply", str(file), *GIT)).exit_code == 0
    first = lock.read_bytes()
    write(tmp_path, changed(PROJECT, "prompt.ask.messages.0.template", "Answer: {{ question }}"))
    assert (await sekisho(api, "apply", str(file), *GIT)).exit_code == 0
    assert (await sekisho(api, *to_dev)).exit_code == 0
    assert await served(api) == 2
    lock.write_bytes(first)
    result = await sekisho(api, *to_dev)
    assert result.exit_code == 0, result.stderr
    assert await served(api) == 1
    latest = await sekisho(api, "resolve", "prompt/ask@latest")
    assert "prompt/ask v2" in latest.stdout


async def test_a_ci_job_asks_without_moving(api: ApiClient, tmp_path: Path) -> None:
    """`sekisho gate` answers with the exit codes of `promote` and a report for the job; nothing is kept or moved."""
    file, lock, out = write(tmp_path), tmp_path / "sekisho.lock", tmp_path / "gate.xml"
    assert (await sekisho(api, "apply", str(file), *GIT)).exit_code == 0
    asked = ("gate", "prompt/ask", "--lock", str(lock))
    result = await sekisho(api, *asked, "--to", "dev", "--format", "junit", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert "this was a dry run" in result.stdout
    assert 'errors="0"' in out.read_text()
    denied = await sekisho(api, *asked, "--to", "production", "--format", "github")
    assert denied.exit_code == 1
    assert "::error title=LIN-06" in denied.stdout
    assert (await sekisho(api, "decisions")).stdout.strip() == "no decision yet"
    assert (await sekisho(api, *asked, "--to", "dev", "--out", str(out))).exit_code == 2


async def test_a_kept_decision_is_told_in_a_format(api: ApiClient, tmp_path: Path) -> None:
    """`sekisho promote` and `sekisho explain` give the same SARIF for the same decision."""
    file, lock, out = write(tmp_path), tmp_path / "sekisho.lock", tmp_path / "gate.sarif"
    assert (await sekisho(api, "apply", str(file), *GIT)).exit_code == 0
    asked = ("promote", "prompt/ask", "--to", "staging", "--lock", str(lock), "--format", "sarif")
    await sekisho(api, *asked, "--out", str(out))
    decision = (await sekisho(api, "decisions")).stdout.split()[0]
    assert (await sekisho(api, "explain", decision, "--format", "sarif")).stdout == out.read_text()
    refused = await sekisho(api, "explain", decision, "--format", "sarif", "--out", str(tmp_path / "none" / "x"))
    assert refused.exit_code == 2
    assert "cannot be written" in refused.stderr


async def test_an_agent_is_promoted_with_its_parts(api: ApiClient) -> None:
    """One command, one decision; the parts are named, and the prompt's stage answers."""
    author = await api.services.identity.authenticate(await api.token_for("author"))
    await register_agent(api.services.registry, author)
    done = await sekisho(api, "promote", "agent/docs@v1", "--to", "dev", "--with-dependencies")
    assert done.exit_code == 0, done.stderr
    assert "together with corpus/docs@v1" in done.stdout
    assert "prompt/docs v1" in (await sekisho(api, "resolve", "prompt/docs@dev")).stdout
