"""The commands of waivers, against the real application."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner
from tests.api_client import ApiClient
from tests.identity.commands import Bridge
from tests.registry.manifests import register_agent

from sekisho.cli import Rooms, waivers
from sekisho.cli.session import Session
from sekisho.client import Client


async def sekisho(api: ApiClient, *words: str, by: str = "approver", as_json: bool = False) -> Any:
    """One command by a person of this role; its exit code and what it printed."""
    state = Session(as_json=as_json)
    bridge = Bridge(api, asyncio.get_running_loop())
    state.__dict__["client"] = Client("http://sekisho.test", await api.token_for(by), transport=bridge)
    group = Rooms("sekisho", commands=waivers.commands)
    return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)


@pytest.fixture
async def subject(api: ApiClient) -> str:
    author = await api.services.identity.authenticate(await api.token_for("author"))
    await register_agent(api.services.registry, author)
    return "agent/docs@v1"


async def test_a_waiver_is_granted_listed_and_withdrawn(api: ApiClient, subject: str) -> None:
    """Each line says rule, version, stage, giver, end and reason."""
    words = ("waive", subject, "--to", "production", "--rule", "DOC-01", "--reason", "with the lawyers", "--days", "7")
    assert (await sekisho(api, *words, by="author")).exit_code == 2
    granted = await sekisho(api, *words)
    assert granted.exit_code == 0, granted.stderr
    assert "DOC-01 for agent/docs@v1 at production by approver until" in granted.stdout
    listed = json.loads((await sekisho(api, "waiver", "list", subject, as_json=True, by="viewer")).stdout)
    assert [item["state"] for item in listed] == ["standing"]
    assert (await sekisho(api, "waiver", "withdraw", listed[0]["id"])).exit_code == 0
    shown = (await sekisho(api, "waiver", "list", by="viewer")).stdout
    assert "withdrawn" in shown
    assert "with the lawyers" in shown


async def test_what_cannot_be_waived_exits_2(api: ApiClient, subject: str) -> None:
    """The error names what can be."""
    words = ("waive", subject, "--to", "production", "--rule", "OVS-01", "--reason", "haste", "--days", "7")
    refused = await sekisho(api, *words)
    assert refused.exit_code == 2
    assert "DOC-01" in refused.stderr
