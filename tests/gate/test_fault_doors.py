"""Each fault of evidence and engine as REST and CLI tell it: nothing moves, the reason and the mend, an entry."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner
from sqlalchemy import text

from sekisho.cli import gate as commands
from sekisho.cli import main
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.engines.retiring import RetiringEngine
from sekisho.gate.judge import Judge
from sekisho.gate.schemas import read_input
from sekisho.http.app import create_app
from sekisho.kernel.errors import EngineFailed
from sekisho.kernel.settings import Settings
from sekisho.ledger.types import DECISION_MADE
from sekisho.wiring.services import Services, build_services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.gate.cases import CASES
from tests.gate.inputs import fixed_policies, promotion, shipped_policies
from tests.gate.opa import free_port, serving
from tests.gate.test_faults import BAD, BY_CASE, of_another_suite_version
from tests.identity.commands import run
from tests.registry.manifests import prompt, register

TO_PRODUCTION = {"subject": "prompt/ask@v1", "stage": "production"}
WORDS = ("promote", "prompt/ask@v1", "--to", "production")
REVISION = {"bundles": {"sekisho": {"revision": shipped_policies().digest}}, "version": "1.0.0"}


@dataclass
class SetOpa:
    """An OPA that answers what a test sets; without anything set it hangs up in the middle of the answer."""

    body: bytes | None = None
    wait_s: float = 0
    url: str = field(default="", init=False)

    async def handler(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        await asyncio.sleep(self.wait_s)
        if self.body is None:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=self.body, content_type="application/json")

    def says(self, result: object) -> None:
        self.body = json.dumps({"result": result, "provenance": REVISION}).encode()


class Doors:
    """A server that asks this OPA, and an author who asks it for production."""

    def __init__(self, api: ApiClient, opa: SetOpa) -> None:
        self.api, self.services, self.opa = api, api.services, opa

    async def rest(self) -> dict[str, Any]:
        headers = await self.api.role("author")
        answer = await self.api.post("/v1/projects/default/promotions", json=TO_PRODUCTION, headers=headers)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def cli(self) -> Any:
        return await run(self.api, await self.api.token_for("author"), commands.commands, *WORDS)

    async def outcomes(self) -> list[tuple[str, str]]:
        """Of every decision in the ledger: what came of it, and who asked."""
        author = await self.services.identity.authenticate(await self.api.token_for("author"))
        page = await self.services.ledger.entries(author, kind=DECISION_MADE, limit=200)
        return [(entry.body["outcome"], entry.principal) for entry in page.items]

    async def moves(self) -> int:
        async with self.services.database.read() as tx:
            return int(await tx.scalar(text("SELECT count(*) FROM stage_moves")) or 0)


async def doors_of(settings: Settings, clock: FixedClock, opa: SetOpa) -> AsyncIterator[Doors]:
    services = build_services(settings, clock)
    await services.start()
    try:
        async with ApiClient(create_app(services), services) as api:
            author = await services.identity.authenticate(await api.token_for("author"))
            await register(services.registry, author, "prompt/ask", prompt("{{ context }}"))
            yield Doors(api, opa)
    finally:
        await services.close()


async def opened(database_url: str, data_dir: Path, clock: FixedClock) -> AsyncIterator[Doors]:
    """Doors to a server whose OPA says what it is told to, with patience for a busy machine."""
    opa = SetOpa()
    async with serving(opa.handler) as url:
        settings = Settings(
            database_url=database_url, data_dir=data_dir, policy_engine="opa", policy_timeout_ms=60_000, opa_url=url
        )
        async for doors in doors_of(settings, clock, opa):
            yield doors


@pytest.fixture
async def doors(database_url: str, data_dir: Path, clock: FixedClock) -> AsyncIterator[Doors]:
    """As they are opened."""
    async for doors in opened(database_url, data_dir, clock):
        yield doors


async def answers() -> dict[str, Any]:
    """What the real rules answer to each fault of the evidence."""
    documents = {name: case.document for name, case in ((case.name, case) for case in CASES)}
    engine = RegorusEngine(fixed_policies(), 60_000)
    judge = Judge(engine)
    found = {fault: await judge.judge(read_input(documents[name])) for fault, (name, _, _) in BY_CASE.items()}
    found["of another suite version"] = await judge.judge(read_input(of_another_suite_version()))
    await engine.close()
    return {fault: judgement.answer for fault, judgement in found.items()}


async def test_every_fault_of_the_evidence_is_told_at_both_doors(doors: Doors) -> None:
    """The rule, what it saw, and how to mend it; the CLI's exit code says whether only evidence lacks."""
    said = await answers()
    expected = {fault: rule for fault, (_, rule, _) in BY_CASE.items()} | {"of another suite version": "EVA-01"}
    wrong: list[tuple[str, object]] = []
    for fault, rule in expected.items():
        doors.opa.says(said[fault])
        body, command = await doors.rest(), await doors.cli()
        (found,) = [one for one in body["decision"]["rules"] if one["id"] == rule]
        told = (body["applied"], body["decision"]["outcome"], rule in body["decision"]["blocking"])
        if told != (False, "deny", True) or not found["message"] or not found["remedy"]:
            wrong.append((fault, body))
        lacking = {said[fault]["rules"][one]["status"] for one in said[fault]["blocking"]}
        code = 3 if lacking <= {"missing", "inconclusive"} else 1
        remedy = found["remedy"].splitlines()[0]
        if command.exit_code != code or rule not in command.stdout or remedy not in command.stdout:
            wrong.append((fault, command.output))
    assert wrong == []
    assert await doors.outcomes() == [("deny", "author")] * 2 * len(expected)
    assert await doors.moves() == 0


def saying(**body: Any) -> bytes:
    return json.dumps(body).encode()


ENGINES: dict[str, tuple[bytes | None, str]] = {
    "crash": (None, "gave no answer"),
    "undefined": (saying(provenance=REVISION), "answered nothing"),
    "no bundle yet, or one that does not compile": (saying(), "no bundle of ours"),
    "another policy": (
        saying(result={"allow": True}, provenance={"bundles": {"sekisho": {"revision": "sha256:0"}}}),
        "runs policy sha256:0",
    ),
    "garbage": (b"<html>", "gave no answer"),
    "a null": (saying(result=None, provenance=REVISION), "answered NoneType, not a decision"),
    "an allow on nothing": (saying(result={"allow": True}, provenance=REVISION), "is not a decision"),
    "ten megabytes": (saying(result={"allow": "x" * 10_000_000}, provenance=REVISION), "not a decision"),
}
"""What the engine answers, and the reason that is told."""


async def test_every_fault_of_an_engine_is_told_at_both_doors(doors: Doors) -> None:
    """The outcome is an error with what to do, kept as a decision; the CLI exits 4; readiness names the engine."""
    wrong: list[tuple[str, object]] = []
    for fault, (body, reason) in ENGINES.items():
        doors.opa.body = body
        wrong += [(fault, told) for told in await untold(doors, reason)]
        if set(await doors.services.readiness.problems()) != {"policy_engine"}:
            wrong.append((fault, "not at /readyz"))
    assert wrong == []
    assert await doors.outcomes() == [("error", "author")] * 2 * len(ENGINES)
    assert await doors.moves() == 0


async def untold(doors: Doors, reason: str) -> list[object]:
    """What a door answers that does not tell this reason and what to do about it."""
    body, command = await doors.rest(), await doors.cli()
    error = str(body["decision"]["error"])
    by_rest = (body["applied"], body["decision"]["outcome"]) == (False, "error")
    by_rest = by_rest and reason in error and "what to do: " in error
    by_cli = command.exit_code == 4 and reason in " ".join(command.stdout.split())
    return [*([] if by_rest else [body]), *([] if by_cli else [command.output])]


@pytest.mark.parametrize("fault", ["hang", "down"])
async def test_an_engine_that_never_answers_is_told_at_both_doors(
    database_url: str, data_dir: Path, clock: FixedClock, fault: str
) -> None:
    """Nobody waits for ever, nor where nobody listens."""
    opa = SetOpa(b"{}", wait_s=600)
    async with serving(opa.handler) as url:
        settings = Settings(
            database_url=database_url, data_dir=data_dir, policy_engine="opa", policy_timeout_ms=500,
            opa_url=url if fault == "hang" else f"http://127.0.0.1:{free_port()}",
        )  # fmt: skip
        async for doors in doors_of(settings, clock, opa):
            assert await untold(doors, "did not answer within 500 ms" if fault == "hang" else "gave no answer") == []
            assert await doors.outcomes() == [("error", "author")] * 2
            assert await doors.moves() == 0


async def test_an_embedded_engine_that_hangs_is_told(database_url: str, data_dir: Path, clock: FixedClock) -> None:
    """Its child is replaced before the next question; until it is, nothing moves."""
    settings = Settings(database_url=database_url, data_dir=data_dir, policy_timeout_ms=1_000)
    async for doors in doors_of(settings, clock, SetOpa()):
        for ask in (doors.rest, doors.cli):
            os.kill(await child_of(doors.services), signal.SIGSTOP)
            answer = await ask()
            told = answer["decision"]["error"] if isinstance(answer, dict) else " ".join(answer.stdout.split())
            assert "within 1000 ms and was stopped; what to do: " in told
        assert await doors.outcomes() == [("error", "author")] * 2
        assert await doors.moves() == 0


async def child_of(services: Services) -> int:
    """The process id of the engine's child, once it answers; on a busy machine it may take more than one try."""
    async with asyncio.timeout(120):
        while True:
            try:
                await services.engine.check()
                break
            except EngineFailed:
                continue
    engine = services.engine
    assert isinstance(engine, RetiringEngine)
    assert isinstance(engine.engine, RegorusEngine)
    assert engine.engine._child is not None
    return engine.engine._child.pid


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policy, for `sekisho policy eval`."""
    policies, folder = shipped_policies(), tmp_path_factory.mktemp("policies")
    for path, content in policies.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "data.yaml").write_bytes(policies.data_json)
    return folder


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_input_is_refused_at_the_command_line(fault: str, folder: Path, tmp_path: Path) -> None:
    """`sekisho policy eval` names the field and exits 2; no engine is asked."""
    change, path = BAD[fault]
    document = promotion()
    change(document)
    file = tmp_path / "input.json"
    file.write_text(json.dumps(document))
    done = CliRunner().invoke(main, ["policy", "eval", "--input", str(file), "--policies", str(folder)])
    assert (done.exit_code, path in done.output) == (2, True), done.output[:500]


REQUESTS: dict[str, tuple[bytes, int, str]] = {
    "a float": (b'{"subject": 1.5, "stage": "dev"}', 400, "$.subject"),
    "a null": (b'{"subject": "prompt/ask@v1", "stage": null}', 400, "$.stage"),
    "a huge integer": (b'{"subject": "prompt/ask@v1", "stage": 9007199254740993}', 400, "$.stage"),
    "NUL": (b'{"subject": "prompt/ask@v1", "stage": "dev\\u0000"}', 400, "$.stage"),
    "deep nesting": (b'{"subject": ' + b"[" * 50_000 + b"]" * 50_000 + b', "stage": "dev"}', 400, "$"),
    "ten megabytes": (b'{"subject": "' + b"x" * 10_000_000 + b'", "stage": "dev"}', 400, "$.reference"),
    "a field nobody knows": (b'{"subject": "prompt/ask@v1", "stage": "dev", "allow": true}', 400, "$"),
}


async def test_a_bad_request_asks_nothing(doors: Doors) -> None:
    """It is refused with the field before anything is asked, so that there is nothing for the ledger to keep."""
    headers = {**await doors.api.role("author"), "Content-Type": "application/json"}
    wrong: list[tuple[str, str]] = []
    for fault, (content, status, path) in REQUESTS.items():
        answer = await doors.api.post("/v1/projects/default/promotions", content=content, headers=headers)
        if answer.status_code != status or (path and path not in answer.text):
            wrong.append((fault, answer.text[:300]))
    assert wrong == []
    assert await doors.outcomes() == []
    assert await doors.moves() == 0
