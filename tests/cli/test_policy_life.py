"""`sekisho policy publish`, `activate`, `approve` and `shadow`, by two people who own policy."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.api_client import ApiClient
from tests.gate.governing.policies import HEAD, LONG_NAMES, TEST
from tests.identity.commands import Bridge

from sekisho.cli import Rooms, policy
from sekisho.cli.session import Session
from sekisho.client import Client
from sekisho.kernel.trees import tree

Sekisho = Callable[..., Awaitable[Any]]


@pytest.fixture
async def sekisho(api: ApiClient) -> Sekisho:
    async def invoke(*words: str, by: str = "olivia", as_json: bool = False) -> Any:
        state = Session(as_json=as_json)
        bridge = Bridge(api, asyncio.get_running_loop())
        token = await api.token_for("policy_owner", project="*", name=by)
        state.__dict__["client"] = Client("http://sekisho.test", token, transport=bridge)
        group = Rooms("sekisho", commands=policy.commands)
        return await asyncio.to_thread(CliRunner().invoke, group, ["policy", *words], obj=state)

    return invoke


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder that holds a package of ours and policy data, and none of Sekisho's rules."""
    folder = tmp_path / "mine"
    (folder / "user").mkdir(parents=True)
    (folder / "user" / "acme.rego").write_text(HEAD + LONG_NAMES)
    (folder / "user" / "acme_test.rego").write_text(TEST)
    shutil.copyfile(tree("policies") / "data.yaml", folder / "data.yaml")
    return folder


async def test_a_folder_that_may_not_be_published_is_told_why(sekisho: Sekisho, mine: Path) -> None:
    """By lint with exit code 1 and a line for each fault, and by test for each that fails or does not end."""
    assert (await sekisho("lint", "--policies", str(mine))).exit_code == 0
    assert "1 of 1 tests passed" in (await sekisho("test", "--policies", str(mine))).output
    (mine / "user" / "acme.rego").write_text(HEAD + "checks contains time.now_ns()\n")
    faulty = await sekisho("lint", "--policies", str(mine))
    assert (faulty.exit_code, "time.now_ns is not in the dialect" in faulty.output) == (1, True)
    (mine / "user" / "acme.rego").write_text(HEAD + "checks contains data.sekisho.report.check(\n")
    assert "does not compile" in (await sekisho("lint", "--policies", str(mine))).output
    tested = await sekisho("test", "--policies", str(mine))
    assert (tested.exit_code, "does not compile" in tested.output) == (1, True)


async def test_a_policy_goes_from_a_folder_into_force(sekisho: Sekisho, mine: Path, tmp_path: Path) -> None:
    """Published, looked at, proposed by one, refused to him, approved by another, and read back from the server."""
    publish = ("publish", "acme", "--policies", str(mine))
    assert "acme@v1: published" in (await sekisho(*publish, "--message", "ours")).output
    assert "known already" in (await sekisho(*publish)).output
    assert "acme@v1" in (await sekisho("list")).output
    assert "rule ACM-01 is added (low)" in (await sekisho("diff", "sekisho", "acme")).output
    assert (await sekisho("activate", "acme")).exit_code == 2
    assert "the last 0 decisions" in (await sekisho("activate", "acme", "--dry-run")).output
    proposed = json.loads((await sekisho("activate", "acme", "--reason", "names", as_json=True)).output)
    shown = await sekisho("proposal", proposed["id"], by="oscar")
    assert proposed["report_digest"] in shown.output
    approve = ("approve", proposed["id"], "--report", proposed["report_digest"])
    assert (await sekisho(*approve)).exit_code != 0
    assert "is in force" in (await sekisho(*approve, by="oscar")).output
    assert "active" in (await sekisho("activations")).output
    assert (await sekisho("show", "acme@v1", "--out", str(tmp_path / "read-back"))).exit_code == 0
    assert proposed["digest"] in (await sekisho("digest", "--policies", str(tmp_path / "read-back"))).output
    assert (await sekisho("show", "acme@v1", "--out", str(tmp_path / "read-back"))).exit_code != 0
    back = json.loads((await sekisho("activate", "sekisho", "--reason", "back", as_json=True)).output)
    assert "withdrawn" in (await sekisho("withdraw", back["id"])).output


async def test_a_shadow_is_started_told_and_stopped(sekisho: Sekisho, mine: Path) -> None:
    """Its report has the rate and the agreement, where there is something to compare."""
    await sekisho("publish", "acme", "--policies", str(mine))
    assert "judges alongside" in (await sekisho("shadow", "start", "acme@v1")).output
    report = await sekisho("shadow", "report")
    assert "judged 0 of 0 decisions" in report.output
    assert "nothing to compare yet" in report.output
    assert "no longer judges alongside" in (await sekisho("shadow", "stop")).output
