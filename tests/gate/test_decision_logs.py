"""OPA's own account of its decisions: taken whole or refused by name, and held to what it was asked and answered."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from sekisho.cli.policy import commands
from sekisho.gate.decision_logs.reading import MOST_BYTES, MOST_LINES, read_lines, unpacked
from sekisho.gate.decision_logs.service import DIFFERED, FELL_SILENT, DecisionLogs
from sekisho.gate.decision_logs.types import GRACE_MS, MASK, PATH, RECENT_MS, Verdict
from sekisho.gate.engines.opa_server import OpaServer
from sekisho.gate.judge import Judge
from sekisho.gate.schemas import read_input
from sekisho.gate.types import Outcome
from sekisho.identity.types import EVERYWHERE
from sekisho.kernel.errors import IntegrityFailed, Invalid, SekishoError, TooLarge
from sekisho.kernel.settings import Settings
from sekisho.wiring.services import build_services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.gate.inputs import digest, promotion
from tests.gate.opa import serving
from tests.gate.world import answer
from tests.identity.commands import run
from tests.problems import problem

TOKEN = "a-token-of-our-own-opa-and-nobody-else"
LOGS = "/v1/policy/decision-logs"
POLICY = digest("9")
ASKED: dict[str, Any] = {"subject": "agent/support"}
ANSWERED: dict[str, Any] = {"allow": True}


def line(**changes: Any) -> dict[str, Any]:
    """What OPA logs of `ASKED` and `ANSWERED`, with these changes; None leaves a part out."""
    whole = {
        "decision_id": "one", "path": PATH, "input": ASKED, "result": ANSWERED, "labels": {"version": "1.21.3"},
        "bundles": {"sekisho": {"revision": POLICY}}, "timestamp": "2026-11-25T11:00:00Z",
        "metrics": {"timer_server_handler_ns": 1}, **changes,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None}


def body(*lines: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(lines).encode())


@pytest.fixture
def logs(api: ApiClient) -> DecisionLogs:
    return replace(api.services.decision_logs, token=TOKEN)


async def asked(logs: DecisionLogs, name: str = "one") -> None:
    await logs.asked(name, ASKED, ANSWERED, POLICY)


async def alarms(logs: DecisionLogs, kind: str, name: str = "one") -> list[Any]:
    async with logs.database.read() as tx:
        return await logs.ledger.about(tx, project=EVERYWHERE, kind=kind, subject=name)


async def test_a_line_that_says_what_we_saw_agrees(logs: DecisionLogs) -> None:
    """No alarm, and sent again it is known; its times may be others then."""
    await asked(logs)
    first = await logs.take(body(line()), "gzip")
    again = await logs.take(body(line(metrics={"timer_server_handler_ns": 2.5})), "gzip")
    assert (first.new, again.new, again.known) == (1, 0, 1)
    assert (await logs.standing()).counts[Verdict.AGREES] == 1
    assert await alarms(logs, DIFFERED) == []
    await logs.check()


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "another input": ({"input": {"subject": "agent/other"}}, "it was asked"),
    "no input": ({"input": None}, "its log says nothing"),
    "another answer": ({"result": {"allow": False}}, "it answered"),
    "no answer": ({"result": None}, "its log says nothing"),
    "another policy": ({"bundles": {"sekisho": {"revision": digest("8")}}}, "it decided by"),
    "no bundle of ours": ({"bundles": {}}, "its log says none"),
    "a part erased": ({"erased": ["/input/subject"]}, "erased or masked"),
    "a part masked": ({"masked": ["/result/allow"]}, "erased or masked"),
    "a number that nothing holds": ({"input": {"subject": 2**60}}, "its log says nothing"),
}


async def test_a_line_that_says_otherwise_raises_the_alarm(logs: DecisionLogs, api: ApiClient) -> None:
    """In the ledger, and in the findings with its reason, each way of saying otherwise."""
    admin = await api.services.identity.authenticate(api.admin_token)
    for name, (changes, reason) in DIFFERENT.items():
        await asked(logs, name.replace(" ", "-"))
        await logs.take(body(line(decision_id=name.replace(" ", "-"), **changes)), "gzip")
        (entry,) = await alarms(logs, DIFFERED, name.replace(" ", "-"))
        assert reason in entry.body["reasons"][0]
    findings = await logs.findings(admin)
    assert {finding.decision_id.replace("-", " ") for finding in findings} == set(DIFFERENT)
    assert {finding.verdict for finding in findings} == {Verdict.DIFFERS}
    with pytest.raises(IntegrityFailed, match=f"{len(DIFFERENT)} differ from its log"):
        await logs.check()


async def test_an_answer_that_is_never_logged_is_reported_once(logs: DecisionLogs, clock: FixedClock) -> None:
    """Not before OPA had its time; then once, in the ledger and in the standing; a late line settles it."""
    await asked(logs)
    clock.advance(milliseconds=GRACE_MS - 1)
    assert await logs.report_missing() == ()
    await logs.check()
    clock.advance(milliseconds=1)
    assert await logs.report_missing() == ("one",)
    assert await logs.report_missing() == ()
    assert len(await alarms(logs, FELL_SILENT)) == 1
    with pytest.raises(IntegrityFailed, match="1 are missing there"):
        await logs.check()
    await logs.take(body(line()), "gzip")
    await logs.check()


async def test_what_somebody_else_asked_is_shown_without_an_alarm(logs: DecisionLogs, api: ApiClient) -> None:
    """A line under a name that we did not ask under; other questions and self-tests are not even kept."""
    taken = await logs.take(body(line(), line(path="somebody/elses"), line(input={})), "gzip")
    assert (taken.new, taken.others) == (1, 2)
    assert (await logs.standing()).counts[Verdict.STRANGE] == 1
    await logs.check()
    admin = await api.services.identity.authenticate(api.admin_token)
    assert [finding.verdict for finding in await logs.findings(admin)] == [Verdict.STRANGE]


async def test_an_alarm_of_long_ago_is_still_found(logs: DecisionLogs, api: ApiClient, clock: FixedClock) -> None:
    """/readyz looks at the last day; the findings go back to the beginning."""
    await asked(logs)
    await logs.take(body(line(result={"allow": False})), "gzip")
    clock.advance(milliseconds=RECENT_MS + 1)
    await logs.check()
    admin = await api.services.identity.authenticate(api.admin_token)
    assert len(await logs.findings(admin)) == 1


async def test_secrets_are_not_kept(logs: DecisionLogs) -> None:
    """Whatever has a secret's name or form is written over before anything is stored."""
    secret = "sks_" + "A" * 43
    leaky = line(
        labels={"api_key": "hunter2", "note": f"Bearer {secret}"}, requested_by=f"Basic {secret}",
        error={"message": f"with {secret}", "Authorization": "hunter2", "set-cookie": ["hunter2"]},
    )  # fmt: skip
    await logs.take(body(leaky), "gzip")
    async with logs.database.read() as tx:
        kept = str((await tx.execute(text("SELECT line FROM opa_log_lines"))).scalar_one())
    assert MASK in kept
    assert "hunter2" not in kept
    assert secret not in kept


NESTED = b"[" * 200_000 + b"]" * 200_000
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "not gzip": (b"plain", "gzip", "damaged"),
    "cut short": (body(line())[:-9], "gzip", "ends too early"),
    "something after it": (body(line()) + b"more", "gzip", "more follows"),
    "another packing": (b"[]", "br", "is not gzip"),
    "not JSON": (gzip.compress(b"[{"), "gzip", "not a list of decisions"),
    "nothing": (b"", "", "not a list of decisions"),
    "not a list": (gzip.compress(b"{}"), "gzip", "not a list of decisions"),
    "not UTF-8": (b'[{"decision_id": "one", "path": "\xff"}]', "", "utf-8"),
    "a line that is none": (gzip.compress(b'[{"decision_id": "one"}, 7]'), "gzip", "Expected `object`"),
    "a line without a name": (gzip.compress(b"[{}]"), "gzip", "decision_id"),
    "a name with NUL": (gzip.compress(b'[{"decision_id": "a\\u0000"}]'), "gzip", "Expected `str` matching"),
    "a revision of no end": (
        body(line(bundles={"sekisho": {"revision": "s" * 72}})), "gzip", "length <= 71",
    ),
    "too deep": (gzip.compress(NESTED), "gzip", "nested too deep"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_log_is_refused_by_name(what: str) -> None:
    """The whole body, with the place and what is wrong there."""
    sent, encoding, message = REFUSED[what]
    with pytest.raises(Invalid) as refused:
        read_lines(unpacked(sent, encoding), 0)
    (place,) = refused.value.fields
    assert place.path.startswith("$")
    assert message in place.message


def test_a_bomb_is_not_unpacked() -> None:
    """A few kilobytes that promise a gigabyte are refused once they pass the limit."""
    bomb = gzip.compress(b" " * (MOST_BYTES + 1))
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge, match="unpacks to more than"):
        unpacked(bomb, "gzip")


def test_too_many_lines_are_refused() -> None:
    """However short they are."""
    with pytest.raises(TooLarge, match="lines"):
        read_lines(json.dumps([{"decision_id": "x"}] * (MOST_LINES + 1)).encode(), 0)


async def test_a_stranger_cannot_keep_our_lines_out(logs: DecisionLogs) -> None:
    """What he asked OPA may hold anything: our line in the same body is taken all the same."""
    await asked(logs)
    odd = [{"x": 2**70}, {"x": "\x00"}, {"x": 1e308}, [], None, {"x": [[[[]]]] * 3}]
    strange = [line(decision_id=f"s{number}", input=value) for number, value in enumerate(odd)]
    taken = await logs.take(body(*strange, line()), "gzip")
    assert taken.new == len(odd) + 1
    assert (await logs.standing()).counts[Verdict.AGREES] == 1


async def test_half_a_body_is_not_taken(logs: DecisionLogs) -> None:
    """A good line before a bad one is not kept: OPA sends both again."""
    with pytest.raises(Invalid):
        await logs.take(gzip.compress(json.dumps([line(), {}]).encode()), "gzip")
    assert sum((await logs.standing()).counts.values()) == 0


@pytest.fixture
async def taking(database_url: str, data_dir: Path, clock: FixedClock) -> AsyncIterator[ApiClient]:
    """The API of a server that takes decision logs."""
    from sekisho.http.app import create_app

    services = build_services(Settings(database_url=database_url, data_dir=data_dir, decision_log_token=TOKEN), clock)
    await services.start()
    async with ApiClient(create_app(services), services) as client:
        yield client
    await services.close()


async def test_only_our_opa_may_send_its_log(taking: ApiClient) -> None:
    """Nobody without the token, no admin either; with it the body is taken, gzipped or not."""
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {taking.admin_token}"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
    ):
        sent = await taking.post(LOGS, content=body(line()), headers={"Content-Encoding": "gzip", **headers})
        assert sent.status_code == status
    plain = await taking.post(LOGS, json=[line(decision_id="two")], headers={"Authorization": f"Bearer {TOKEN}"})
    assert plain.json() == {"new": 1, "known": 0, "others": 0}


async def test_a_refused_body_is_a_problem_with_its_place(taking: ApiClient) -> None:
    """The sender is told the line and the field."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": "gzip"}
    refused = await taking.post(LOGS, content=gzip.compress(b'[{"decision_id": 7}]'), headers=headers)
    assert problem(refused, 400, "invalid")["errors"][0]["path"] == "$[0].decision_id"


async def test_a_server_without_a_token_takes_no_log(api: ApiClient) -> None:
    """It says what to set."""
    found = await api.post(LOGS, json=[], headers={"Authorization": "Bearer anything"})
    assert "SEKISHO_DECISION_LOG_TOKEN" in problem(found, 404, "not-found")["remedy"]


async def test_findings_are_for_operators(taking: ApiClient) -> None:
    """They name inputs of every project; others are told which role does."""
    logs = taking.services.decision_logs
    await asked(logs)
    await logs.take(body(line(result={"allow": False})), "gzip")
    refused = await taking.get(LOGS, headers=await taking.role("operator"))
    assert refused.status_code == 403
    found = await taking.get(LOGS, headers={"Authorization": f"Bearer {taking.admin_token}"})
    (item,) = found.json()["items"]
    assert (item["verdict"], item["decision_id"], found.json()["on"]) == ("differs", "one", True)
    ready = await taking.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert "1 differ from its log" in ready.json()["decision_log"]
    metrics = (await taking.get("/metrics")).text
    assert 'sekisho_opa_decisions{verdict="differs"} 1.0' in metrics
    assert 'sekisho_concern{name="decision_log"} 1.0' in metrics
    assert 'sekisho_concern{name="checkpoints"} 0.0' in metrics


async def test_the_command_tells_what_differs(taking: ApiClient) -> None:
    """A line for each finding with its reason, and exit code 1; before there are any, that all agrees."""
    logs = taking.services.decision_logs
    sound = await run(taking, taking.admin_token, commands, "policy", "log")
    assert (sound.exit_code, "says what it answered" in sound.stdout) == (0, True), sound.output
    await asked(logs)
    await logs.take(body(line(result={"allow": False})), "gzip")
    told = await run(taking, taking.admin_token, commands, "policy", "log")
    assert (told.exit_code, "differs" in told.stdout, "it answered" in told.stdout) == (1, True, True), told.output


async def test_an_answer_that_cannot_be_held_to_the_log_decides_nothing(logs: DecisionLogs) -> None:
    """An OPA that names no decision: the outcome is error, with the reason."""

    async def nameless(_: web.Request) -> web.StreamResponse:
        bundles = {"bundles": {"sekisho": {"revision": POLICY}}}
        return web.json_response({"result": answer(), "provenance": bundles})

    async with serving(nameless) as url:
        engine = OpaServer(url, POLICY, 20_000, journal=logs)
        judgement = await Judge(engine).judge(read_input(promotion()))
        await engine.close()
    assert judgement.outcome is Outcome.ERROR
    assert "no decision id" in str(judgement.error)


def test_a_short_token_is_refused_at_the_start() -> None:
    """A guessable token would let anybody write OPA's log."""
    from sekisho.kernel.settings import load_settings

    with pytest.raises(SekishoError) as refused:
        load_settings({"SEKISHO_DECISION_LOG_TOKEN": "short"}, Path("/nowhere"))
    assert refused.value.fields[0].path == "$.decision_log_token"
