"""The registry's commands, against the real application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from sekisho.cli import Rooms
from sekisho.cli.registry import commands
from sekisho.cli.session import Session
from sekisho.client import Client
from sekisho.identity.types import Role
from tests.api_client import ApiClient
from tests.identity.commands import Bridge
from tests.registry import manifests
from tests.registry.manifests import register_agent

BASE = "/v1/projects/default"
Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def run(api: ApiClient) -> Run:
    """Runs ``sekisho <words>`` as an author."""
    token = await api.token_for("author")
    bridge = Bridge(api, asyncio.get_running_loop())

    async def run(*words: str, as_json: bool = False) -> Result:
        state = Session(as_json=as_json)
        state.__dict__["client"] = Client("http://sekisho.test", token, transport=bridge)
        group = Rooms("sekisho", commands=list(commands))
        with capture_logs():
            return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)

    return run


def write(folder: Path, name: str, value: Any) -> str:
    path = folder / name
    path.write_text(yaml.safe_dump(value, allow_unicode=True))
    return str(path)


async def test_bad_input_exits_2_and_names_the_field(run: Run, tmp_path: Path) -> None:
    """A refused manifest, a file that is no mapping, a variable without a value, and a name that is not there."""
    wrong = await run("register", "prompt/ask", write(tmp_path, "a.yaml", manifests.prompt(colour="red")))
    assert wrong.exit_code == 2
    assert "$.colour" in wrong.stderr
    assert (await run("register", "prompt/ask", write(tmp_path, "b.yaml", [1]))).exit_code == 2
    assert (await run("register", "prompt/ask@v1", write(tmp_path, "c.yaml", manifests.prompt()))).exit_code == 2
    assert (await run("render", "prompt/ask@v1", "--var", "context")).exit_code == 2
    assert (await run("show", "prompt/ask")).exit_code == 2
    assert (await run("diff", "prompt/ask@v1", "prompt/other@v1")).exit_code == 2


async def test_a_prompts_life_on_the_command_line(run: Run, tmp_path: Path) -> None:
    """Register, list, show, versions, diff, render, resolve, lineage, archive and restore."""
    first = write(tmp_path, "1.yaml", manifests.prompt("One [b] {{ context }}"))
    second = write(tmp_path, "2.yaml", manifests.prompt("Two\nlines {{ context }}"))
    made = await run("register", "prompt/ask", first, "--author", "Ada", "--label", "team=docs", as_json=True)
    assert json.loads(made.stdout)["new"] is True
    assert "known already as prompt/ask v1" in (await run("register", "prompt/ask", first)).stdout
    assert "registered prompt/ask v2" in (await run("register", "prompt/ask", second)).stdout
    assert "prompt/ask" in (await run("list", "--kind", "prompt", "--in-use")).stdout
    assert "One [b]" in (await run("show", "prompt/ask@v1")).stdout
    assert "Ada" in (await run("versions", "prompt/ask")).stdout
    assert "~ /messages/0/template" in (await run("diff", "prompt/ask@v1", "prompt/ask@v2")).stdout
    assert "+++ default/prompt/ask@v2" in (await run("diff", "prompt/ask@v1", "prompt/ask", "--text")).stdout
    assert "One [b] c" in (await run("render", "prompt/ask@v1", "--var", "context=c")).stdout
    assert "prompt/ask v2" in (await run("resolve", "prompt/ask@latest")).stdout
    assert "prompt/ask v2" in (await run("lineage", "prompt/ask", "--down")).stdout
    assert (await run("archive", "prompt/ask@v1")).exit_code == 0
    assert "archived" in (await run("versions", "prompt/ask")).stdout
    assert (await run("restore", "prompt/ask@v1")).exit_code == 0


async def test_revoking_lists_what_is_touched(api: ApiClient, run: Run) -> None:
    """It asks for a selector and a reason, and names dependents and stages; a stage then exits 2."""
    identity = api.services.identity
    await register_agent(api.services.registry, await identity.authenticate(await api.token_for("author")))
    await identity.grant_role(await identity.authenticate(api.admin_token), "author", "default", Role.OPERATOR)
    promotion = {"subject": "prompt/docs@v1", "stage": "dev"}
    assert (await api.post(f"{BASE}/promotions", json=promotion, headers=await api.role("author"))).json()["applied"]
    assert (await run("revoke", "prompt/docs", "--reason", "it leaks")).exit_code == 2
    assert (await run("revoke", "prompt/docs@v1")).exit_code == 2
    done = await run("revoke", "prompt/docs@v1", "--reason", "it leaks")
    assert done.exit_code == 0, done.stderr
    assert "agent/docs v1" in done.stdout
    assert "prompt/docs at dev" in done.stdout
    refused = await run("resolve", "prompt/docs@dev")
    assert refused.exit_code == 2
    assert "it leaks" in refused.stderr
    again = await run("revoke", "prompt/docs@v1", "--reason", "once more", as_json=True)
    assert json.loads(again.stdout)["reason"] == "it leaks"
