"""`sekisho policy replay` over the decisions of a server."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tests.api_client import ApiClient
from tests.cli.projects import write
from tests.identity.commands import Bridge

from sekisho.cli import Rooms, apply, gate, policy
from sekisho.cli.session import Session
from sekisho.client import Client
from sekisho.kernel.trees import tree

GIT = ("--author", "Ada <ada@example.org>", "--commit", "1")


async def sekisho(api: ApiClient, *words: str) -> Any:
    state = Session()
    bridge = Bridge(api, asyncio.get_running_loop())
    state.__dict__["client"] = Client("http://sekisho.test", await api.token_for("author"), transport=bridge)
    group = Rooms("sekisho", commands=[*apply.commands, *gate.commands, *policy.commands])
    return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """The shipped policy, with dev no longer and production now a stage to begin with, as lax as dev was."""
    folder = tmp_path / "candidate"
    shutil.copytree(tree("policies"), folder, copy_function=shutil.copyfile)
    data = yaml.safe_load((folder / "data.yaml").read_text())
    data["parameters"]["entry"] = ["staging", "production"]
    data["parameters"]["stages"]["production"] = {**data["parameters"]["stages"]["dev"], "mode": "warn"}
    (folder / "data.yaml").write_text(yaml.safe_dump(data))
    return folder


async def test_a_replay_needs_a_policy(api: ApiClient, tmp_path: Path) -> None:
    """A folder that holds none is refused before anything is fetched."""
    result = await sekisho(api, "policy", "replay", "--policies", str(tmp_path))
    assert result.exit_code == 2


async def test_past_decisions_are_judged_by_a_candidate(api: ApiClient, tmp_path: Path, candidate: Path) -> None:
    """An allow that would be denied and a denial that would be an allow are listed; the latter takes a reason."""
    assert (await sekisho(api, "apply", str(write(tmp_path)), *GIT)).exit_code == 0
    for stage in ("production", "dev"):
        await sekisho(api, "promote", "prompt/ask", "--to", stage, "--lock", str(tmp_path / "sekisho.lock"))
    replay = ("policy", "replay", "--policies", str(candidate))
    denied = await sekisho(api, *replay)
    assert denied.exit_code == 1, denied.output
    assert "deny to allow: 1" in denied.stdout
    assert "allow to deny: 1" in denied.stdout
    assert "LIN-06" in denied.stdout
    accepted = await sekisho(api, *replay, "--accept", "prompts go straight to production", "--json")
    found = json.loads(accepted.stdout)
    assert (accepted.exit_code, found["decisions"], found["accepted"]) == (0, 2, "prompts go straight to production")
    assert (await sekisho(api, *replay, "--stage", "dev")).exit_code == 0
    later = await sekisho(api, *replay, "--since", "2999-01-01", "--json")
    assert json.loads(later.stdout)["decisions"] == 0
