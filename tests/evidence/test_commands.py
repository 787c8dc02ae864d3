"""The commands say what the API says: attest, list, withdraw, scan, and `show` tells of both."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.api_client import ApiClient
from tests.identity.commands import Bridge
from tests.registry.manifests import register_agent

from sekisho.cli import Rooms, attesting, registry
from sekisho.cli.session import Session
from sekisho.client import Client

COMMANDS = [*attesting.commands, *registry.commands]


@pytest.fixture
async def agent(api: ApiClient) -> dict[str, str]:
    actor = await api.services.identity.authenticate(await api.token_for("author"))
    return await register_agent(api.services.registry, actor)


async def sekisho(api: ApiClient, role: str, *words: str) -> Any:
    """One command by a person in this role; its exit code and what it printed."""
    state = Session()
    bridge = Bridge(api, asyncio.get_running_loop())
    state.__dict__["client"] = Client("http://sekisho.test", await api.token_for(role), transport=bridge)
    group = Rooms("sekisho", commands=COMMANDS)
    return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)


async def test_a_document_that_is_no_text_is_refused_with_its_mend(
    api: ApiClient, agent: dict[str, str], tmp_path: Path
) -> None:
    """A PDF is named by a text; nothing is sent."""
    file = tmp_path / "assessment.pdf"
    file.write_bytes(b"%PDF-1.7\n\xff\xfe")
    words = ("attest", "system/docs@latest", "--type", "risk-assessment", "--file", str(file), "--days", "90")
    result = await sekisho(api, "approver", *words)
    assert result.exit_code == 2
    assert "not UTF-8 at byte 9" in result.stderr
    assert "sha256" in result.stderr


async def test_what_is_attested_is_listed_shown_and_withdrawn(
    api: ApiClient, agent: dict[str, str], tmp_path: Path
) -> None:
    """By whom, in which role, until when."""
    file = tmp_path / "assessment.md"
    file.write_text("Low.\n")
    words = ("attest", "system/docs@latest", "--type", "risk-assessment", "--file", str(file), "--days", "90")
    made = await sekisho(api, "approver", *words)
    assert made.exit_code == 0, made.stderr
    assert "attested: risk-assessment about system/docs@v1 by approver as approver until 2027-02-21" in made.stdout
    listed = await sekisho(api, "viewer", "attested", "list", "system/docs@latest")
    identity = listed.stdout.split()[0]
    assert "standing" in listed.stdout
    shown = await sekisho(api, "viewer", "show", "system/docs")
    assert "standing: risk-assessment about system/docs@v1" in shown.stdout
    withdrawn = await sekisho(api, "approver", "attested", "withdraw", identity)
    assert "withdrawn by approver" in withdrawn.stdout
    again = await sekisho(api, "viewer", "show", "system/docs", "--json")
    assert [one["state"] for one in json.loads(again.stdout)["attested"]] == ["withdrawn"]


async def test_licences_are_scanned_and_listed(api: ApiClient, agent: dict[str, str]) -> None:
    """Part by part: which licence, who says so, where."""
    nothing = await sekisho(api, "viewer", "licence", "list", "agent/docs@latest")
    assert "nothing in agent/docs@latest was scanned" in nothing.stdout
    scanned = await sekisho(api, "author", "licence", "scan", "agent/docs@latest")
    assert scanned.exit_code == 0, scanned.stderr
    assert "corpus/docs@v1  CC-BY-4.0  manifest: licence" in scanned.stdout
    listed = await sekisho(api, "viewer", "licence", "list", "agent/docs@latest")
    assert listed.stdout == scanned.stdout
    none = await sekisho(api, "author", "licence", "scan", "system/docs@latest")
    assert "nothing in system/docs@latest is licensed" in none.stdout
