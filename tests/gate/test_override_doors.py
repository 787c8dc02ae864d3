"""Break-glass through REST and the command line, by the shipped rules; who hears of it; and its end by the server."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from sekisho.cli import Rooms, gate, registry
from sekisho.cli.demo.server import free_port
from sekisho.cli.session import Session
from sekisho.client import Client
from sekisho.gate.overrides.alarms import ALERT_TYPE, Alarms
from sekisho.gate.overrides.types import HOUR_MS
from sekisho.http.app import create_app
from sekisho.kernel.errors import Unavailable, Unwarranted
from sekisho.kernel.references import parse_reference
from sekisho.kernel.settings import Settings
from sekisho.ledger.signing import Signer
from sekisho.wiring.services import build_services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.gate.seeded import seed
from tests.identity.commands import Bridge
from tests.problems import problem
from tests.registry.manifests import prompt, register

HERE = "/v1/projects/default"
WHY = "the vendor is down"
GLASS = {"subject": "prompt/ask@v1", "stage": "production", "break_glass": {"reason": WHY, "hours": 2}}


@pytest.fixture
async def subject(api: ApiClient) -> str:
    """A prompt that stands nowhere yet, so that the shipped rules deny it production."""
    author = await api.services.identity.authenticate(await api.token_for("author"))
    await register(api.services.registry, author, "prompt/ask", prompt("{{ context }}"))
    return "prompt/ask@v1"


async def sekisho(api: ApiClient, *words: str, by: str = "breakglass") -> Any:
    """One command by a person of this role; its exit code and what it printed."""
    state = Session()
    bridge = Bridge(api, asyncio.get_running_loop())
    state.__dict__["client"] = Client("http://sekisho.test", await api.token_for(by), transport=bridge)
    group = Rooms("sekisho", commands=[*gate.commands, *registry.commands])
    return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)


async def resolved(api: ApiClient) -> Any:
    headers = await api.role("viewer")
    return await api.get(f"{HERE}/resolve/prompt/ask", params={"selector": "production"}, headers=headers)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"hours": 25}, "$.break_glass.hours"),
        ({"hours": None}, "$.break_glass.hours"),
        ({"reason": ""}, "$.break_glass.reason"),
    ],
)
async def test_what_is_wrong_is_named(api: ApiClient, subject: str, changes: dict[str, Any], path: str) -> None:
    """Over REST, each offending field with what would do."""
    body = {**GLASS, "break_glass": {"reason": WHY, "hours": 2, **changes}}
    refused = await api.post(f"{HERE}/promotions", json=body, headers=await api.role("breakglass"))
    assert any(error["path"].startswith(path) for error in problem(refused, 400, "invalid")["errors"])


async def test_an_author_may_not(api: ApiClient, subject: str) -> None:
    """The refusal names the role."""
    refused = await api.post(f"{HERE}/promotions", json=GLASS, headers=await api.role("author"))
    assert "breakglass" in problem(refused, 403, "forbidden")["remedy"]


async def test_rest_tells_of_it(api: ApiClient, subject: str) -> None:
    """The decision with what it set aside; `resolve` with its banner; the metric."""
    made = await api.post(f"{HERE}/promotions", json=GLASS, headers=await api.role("breakglass"))
    assert made.status_code == 201
    decision = made.json()["decision"]
    assert (decision["outcome"], decision["exit_code"]) == ("override", 0)
    assert {rule["id"] for rule in decision["rules"] if rule.get("overridden")} == {"LIN-06", "OVS-01"}
    assert decision["override"]["reason"] == WHY
    for _ in range(2):  # read, then remembered
        told = await resolved(api)
        assert told.json()["override"] == {"until": decision["override"]["until"], "reason": WHY}
    metrics = (await api.get("/metrics")).text
    assert 'sekisho_alarms_total{event="override.begun"} 1.0' in metrics
    assert 'sekisho_alarms_total{event="override.ended"} 0.0' in metrics


async def test_an_api_process_ends_it_by_itself(api: ApiClient, subject: str, clock: FixedClock) -> None:
    """Nobody asks: the server looks now and then, finds it over, and empties the stage."""
    await api.post(f"{HERE}/promotions", json=GLASS, headers=await api.role("breakglass"))
    assert (await resolved(api)).status_code == 200
    clock.advance(2 * HOUR_MS)
    first = await resolved(api)
    if first.status_code != 404:  # unless the server was as quick as this test
        assert "promote a version" in problem(first, 503, "lapsed")["remedy"]
    async with asyncio.timeout(60):
        while (await resolved(api)).status_code != 404:
            await asyncio.sleep(0.1)
    headers = await api.role("viewer")
    (entry,) = (await api.get("/v1/ledger/entries", params={"kind": "override.ended"}, headers=headers)).json()["items"]
    assert (entry["principal"], entry["body"]["came_to"]) == ("sekisho", "emptied")
    kept = await api.get(f"{HERE}/decisions/{entry['body']['decision']}", headers=headers)
    assert kept.json()["outcome"] == "deny"


async def test_the_command_line_says_it_everywhere(api: ApiClient, subject: str) -> None:
    """Promote, decisions, explain in every format, and resolve; the three options go together."""
    words = ("promote", subject, "--to", "production", "--break-glass", "--reason", WHY)
    assert (await sekisho(api, *words)).exit_code == 2
    assert (await sekisho(api, *words, "--hours", "2", by="author")).exit_code == 2
    done = await sekisho(api, *words, "--hours", "2")
    assert done.exit_code == 0, done.stderr
    assert f"BREAK-GLASS by breakglass until 2026-11-23T11:00:00.000Z: {WHY}" in done.stdout
    assert "LIN-06" in done.stdout
    assert "overridden" in done.stdout
    listed = (await sekisho(api, "decisions", by="viewer")).stdout
    assert f"BREAK-GLASS until 2026-11-23T11:00:00.000Z: {WHY}" in listed
    assert WHY in (await sekisho(api, "resolve", "prompt/ask@production", by="viewer")).stdout
    decision = listed.split()[0]
    for form in ("text", "json", "junit", "sarif", "github", "markdown"):
        told = (await sekisho(api, "explain", decision, "--format", form, by="viewer")).stdout
        assert "the vendor is down" in told, form
        assert "LIN-06" in told


async def test_what_nobody_can_set_aside_is_said(api: ApiClient, subject: str) -> None:
    """A revoked version stays denied, and the command says that no glass helps."""
    operator = await api.services.identity.authenticate(await api.token_for("operator"))
    await api.services.registry.revoke(operator, parse_reference(subject), "it leaks")
    words = ("promote", subject, "--to", "production", "--break-glass", "--reason", WHY, "--hours", "2")
    refused = await sekisho(api, *words)
    assert refused.exit_code == 1
    assert "no break-glass sets aside LIN-03" in refused.stdout


@dataclass
class Listener:
    """An address that keeps what is posted to it, and answers as it is told."""

    statuses: list[int]
    port: int = 0
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        self.bodies.append(await reader.readexactly(length))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(f"HTTP/1.1 {status} said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def listening(*statuses: int) -> AsyncIterator[Listener]:
    listener = Listener(list(statuses))
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


def alarms(signer: Signer, port: int) -> Alarms:
    return Alarms(signer, f"http://127.0.0.1:{port}/alerts", pause_s=0)


async def test_an_alert_is_signed_and_tried_again(signer: Signer) -> None:
    """What arrives verifies with the server's key, after a refusal too; the log has it as an error."""
    async with listening(500, 204) as listener:
        heard = alarms(signer, listener.port)
        with capture_logs() as logs:
            await heard.sound("override.begun", {"decision": "d1", "until": 5})
    first, second = map(json.loads, listener.bodies)
    assert first == second
    assert json.loads(signer.public.verify(second, ALERT_TYPE)) == {
        "event": "override.begun", "decision": "d1", "until": 5
    }  # fmt: skip
    assert base64.b64decode(second["payload"])
    assert [line["log_level"] for line in logs if line["event"] == "override.begun"] == ["error"]
    assert heard.counts == {"override.begun": 1}


async def test_an_alert_that_nobody_takes_stops_nothing(signer: Signer) -> None:
    """It is given up, counted and logged."""
    async with listening(500) as listener:
        refused = alarms(signer, listener.port)
        await refused.sound("override.begun", {"decision": "d1"})
    gone = alarms(signer, listener.port)
    await gone.sound("override.begun", {"decision": "d1"})
    for heard in (refused, gone):
        assert heard.counts["alert.undelivered"] == 1
    assert len(listener.bodies) == 3


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_server_that_was_down_at_the_end_ends_it_when_it_starts(database_url: str, data_dir: Path) -> None:
    """Broken half an hour too long ago on a server that stopped: a real process returns the stage within seconds."""
    clock = FixedClock(datetime.now(UTC) - timedelta(minutes=90))
    services = build_services(Settings(database_url=database_url, data_dir=data_dir), clock)
    async with ApiClient(create_app(services), services) as api:
        await services.start()
        author = await services.identity.authenticate(await api.token_for("author"))
        for number in (1, 2):
            await register(services.registry, author, "prompt/ask", prompt(f"{number} {{{{ context }}}}"))
        await seed(services, parse_reference("prompt/ask@v1"), "production")
        body = {**GLASS, "subject": "prompt/ask@v2", "break_glass": {"reason": WHY, "hours": 1}}
        made = await api.post(f"{HERE}/promotions", json=body, headers=await api.role("breakglass"))
        assert made.json()["applied"]
        await services.close()
    port = free_port("127.0.0.1", 0, exactly=False)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    settings = {"SEKISHO_DATA_DIR": str(data_dir), "SEKISHO_DATABASE_URL": database_url, "SEKISHO_PORT": str(port)}
    with (data_dir / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: ASYNC220 (it starts at once, and goes on by itself)
            [sys.executable, "-m", "sekisho.cli", "serve"], env={**mine, **settings}, cwd=data_dir, stderr=log
        )
    client = Client(f"http://127.0.0.1:{port}", (data_dir / "admin.token").read_text().strip())
    try:
        async with asyncio.timeout(120):
            while await asyncio.to_thread(number_served, client) != 1:
                await asyncio.sleep(0.2)
    finally:
        client.close()
        server.terminate()
        server.wait(60)
    assert "override.ended" in (data_dir / "log").read_text()


def number_served(client: Client) -> int | None:
    """The version that production serves; None while none is, or no server answers yet."""
    try:
        return int(client.resolve("prompt/ask@production").body["number"])
    except (Unavailable, Unwarranted):
        return None
