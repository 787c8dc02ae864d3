"""Qualification of judges: asked for, done by the worker, read over REST and on the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from sekisho.cli.judging import commands
from sekisho.evaluation.instruments import grounding_digest, judge_digest
from sekisho.evaluation.judges.service import KIND
from sekisho.evaluation.scorers.catalogue import SCORERS
from sekisho.inference.types import AnswerRequest, AvailableModel, HostState
from sekisho.kernel.errors import ModelFailed
from sekisho.kernel.jobs import JobState, LeaseLost
from sekisho.kernel.references import Kind
from sekisho.worker.process import handlers
from tests.evaluation.judges.benches import DIGEST, honest, kind_of, model
from tests.evaluation.judges.rooms import FALSE, GOOD, PATH, Room, lines, rows
from tests.identity.commands import run as command
from tests.problems import problem


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"judge": "grounding", "scorer": "judge.faithfulness"}, "$.scorer"),
        ({"judge": "grounding", "votes": 3}, "$.scorer"),
        ({"scorer": "grounding"}, "$.scorer"),
        ({"scorer": "judge.kindness"}, "$.scorer"),
        ({"scorer": "judge.correctness"}, "$.labels"),
        ({"scorer": "judge.answer_relevance"}, "$.labels"),
        ({"judge": "prompt/ask@latest"}, "$.judge"),
        ({"votes": 0}, "$.votes"),
        ({"labels": "labels.jsonl"}, "$.labels"),
        ({"threshold": 1}, "$.threshold"),
    ],
)
async def test_a_wrong_request_is_refused(room: Room, body: dict[str, Any], path: str) -> None:
    """400 with the field that is wrong, and nothing is queued."""
    told = await room.ask(status=400, **body)
    assert path in {one["path"] for one in told["errors"]}, told
    assert await room.services.jobs.claim([KIND], "worker-1") is None


async def test_bad_labels_are_refused_before_anything_is_queued(room: Room) -> None:
    """Every wrong line is named."""
    told = await room.ask(lines([GOOD, {**FALSE, "label": "maybe"}, {**GOOD, "x": 1}]), status=400)
    assert [one["path"] for one in told["errors"]] == ["line 2", "line 3"]


async def test_a_viewer_may_not_qualify_and_may_read(room: Room) -> None:
    """It takes a role that may evaluate; another project's qualification is not found."""
    viewer = await room.api.role("viewer")
    digest = await room.put(lines(rows()))
    body = {"judge": "grounding", "labels": digest}
    problem(await room.api.post(PATH, json=body, headers=viewer), 403, "forbidden")
    found = await room.done(judge="grounding")
    assert (await room.api.get(PATH, headers=viewer)).json()["items"][0]["id"] == found["id"]
    problem(await room.api.get(f"{PATH}/nothing", headers=viewer), 404, "not-found")


async def test_a_judge_that_no_host_has_is_told(room: Room) -> None:
    """With the hosts that are away, and how to get it; under two digests it is nobody's name."""
    room.hosts.states = [HostState("http://one", False, "no answer", ())]
    told = await room.ask(status=503)
    assert "http://one: no answer" in told["detail"]
    both = [AvailableModel("careful:1b", digest, "ollama", "h", "careful", 5) for digest in ("sha256:a", "sha256:b")]
    room.hosts.states = [HostState("h", True, None, tuple(both))]
    assert "2 digests" in (await room.ask(status=503))["detail"]


async def test_a_good_judge_from_the_asking_to_the_evidence(room: Room) -> None:
    """Kappa 1 on twenty rows with what that is worth; bound to the instrument's and the labels' digests."""
    asked = await room.ask()
    assert (asked["state"], asked["progress"]) == ("queued", {"done": 0, "total": 0})
    await room.judging.execute(await room.claim())
    found = await room.read(asked["id"])
    assert (found["state"], found["name"], found["family"]) == ("done", "ollama/careful:1b", "careful")
    instrument = judge_digest(SCORERS["judge.faithfulness"], model(), {})
    assert (found["instrument"], found["model"], found["labels"]) == (instrument, DIGEST, asked["labels"])
    result = found["result"]
    assert (result["n"], result["scored"], result["kappa_bp"], result["clusters"]) == (20, 20, 10_000, 10)
    assert 0 < result["kappa_low_bp"] < result["kappa_high_bp"] == 10_000
    assert result["confusion"]["hallucinated"] == {"hallucinated": 10, "supported": 0, "unscored": 0}
    async with room.services.database.read() as tx:
        (entry,) = await room.services.evaluation.qualifications(tx, "default", [instrument])
        assert await room.services.evaluation.qualifications(tx, "other", [instrument]) == []
        assert await room.services.evaluation.qualifications(tx, "default", []) == []
    assert entry == {
        "instrument": instrument,
        "name": "ollama/careful:1b",
        "labels": found["labels"],
        "n": 20,
        "scored": 20,
        "kappa_bp": 10_000,
        "low_bp": result["kappa_low_bp"],
        "high_bp": 10_000,
        "sensitivity_bp": 10_000,
        "specificity_bp": 10_000,
        "at": found["created_at"],
        "origin": "measured",
    }


async def test_beginning_and_end_enter_the_ledger(room: Room) -> None:
    """In the transactions of the changes; a qualification that was only begun is told too."""
    found = await room.done()
    await room.ask()
    told = await room.ledger()
    assert [kind for kind, _ in told] == ["qualification.started", "qualification.finished", "qualification.started"]
    assert told[1][1]["qualification"] == found["id"]
    assert told[1][1]["kappa_bp"] == 10_000
    assert told[1][1]["labels"] == found["labels"]


async def test_a_judge_that_always_says_supported_is_worth_nothing(room: Room) -> None:
    """It obeys, quotes, agrees on half of the rows, and its kappa is about 0."""

    def flattering(request: AnswerRequest) -> str:
        if kind_of(request) == "claims":
            return honest(request)
        return json.dumps({"c1": {"quote": "The fee is 30 euros", "verdict": "supported"}})

    room.hosts.judge.reply = flattering
    result = (await room.done())["result"]
    assert (result["kappa_bp"], result["sensitivity_bp"], result["specificity_bp"]) == (0, 0, 10_000)
    assert [one["verdict"] for one in result["differ"]] == ["supported"] * 10


async def test_rows_without_a_score_count_against_the_judge(room: Room) -> None:
    """A judge that speaks only where it is sure has a fine kappa there, and a poor one over all rows."""

    def picky(request: AnswerRequest) -> str:
        return honest(request) if "30" in request.messages[1].content.split("<claims")[-1] else "Perhaps."

    room.hosts.judge.reply = picky
    result = (await room.done(lines([*rows(9), {**GOOD, "response": "Ayako left."}])))["result"]
    assert result["scored"] == 9
    assert result["sensitivity_bp"] == 0
    assert result["kappa_bp"] < 0
    assert sum(one["n"] for one in result["unscored"]) == 10
    assert "cannot be used" in result["unscored"][0]["reason"]


async def test_a_registered_judge_is_pinned_when_it_is_asked_for(room: Room) -> None:
    """A model of the registry, by reference; its options are part of the instrument, and what quotes is refused."""
    author = await room.api.role("author")
    for name, manifest in {"careful": model(num_ctx=8192).to_json(), "quotes": {
        **model().to_json(), "provider": "builtin", "name": "builtin/extractive",
    }}.items():  # fmt: skip
        made = await room.api.post(
            f"/v1/projects/default/artifacts/{Kind.MODEL}/{name}/versions", json={"manifest": manifest}, headers=author
        )
        assert made.status_code == 201, made.text
    found = await room.done(judge="model/careful@latest", votes=3)
    assert found["name"] == "model/careful@v1"
    assert found["instrument"] == judge_digest(SCORERS["judge.faithfulness"], model(num_ctx=8192), {"votes": 3})
    assert "quotes" in (await room.ask(judge="model/quotes@v1", status=400))["errors"][0]["message"]


async def test_grounding_is_qualified_without_any_model(room: Room) -> None:
    """The embedded scorer is an instrument like any other."""
    found = await room.done(judge="grounding")
    assert (found["instrument"], found["scorer"]) == (grounding_digest(), "grounding")
    assert "model" not in found
    assert found["result"]["scored"] == 20
    assert room.hosts.judge.asked == []


@pytest.mark.parametrize(
    ("scorer", "row", "fault"),
    [
        ("judge.correctness", {"expected": "The fee is 30 euros."}, "hallucinated"),
        ("judge.answer_relevance", {"question": "Is the fee 30 euros?"}, "hallucinated"),
        ("judge.context_relevance", {"question": "Is the fee 30 euros?"}, "hallucinated"),
    ],
)
async def test_the_other_judged_scorers_are_qualified_too(
    room: Room, scorer: str, row: dict[str, Any], fault: str
) -> None:
    """Each by its own metric of fault, on labels that hold what it reads."""

    def reply(request: AnswerRequest) -> str:
        if kind_of(request) == "claims" or scorer == "judge.correctness":
            return honest(request)
        good, bad = ("addresses", "beside") if scorer == "judge.answer_relevance" else ("relevant", "irrelevant")
        names = list((request.schema or {})["properties"])
        right = "90" not in request.messages[1].content
        verdict = {"quote": "fee" if right else "", "verdict": good if right else bad}
        return json.dumps(dict.fromkeys(names, verdict))

    room.hosts.judge.reply = reply
    labels = rows(10, **row)
    if scorer == "judge.context_relevance":
        labels = [{**one, "context": one["response"]} for one in labels]
    result = (await room.done(lines(labels), scorer=scorer))["result"]
    assert (result["kappa_bp"], result["scored"]) == (10_000, 20)


async def test_a_judge_that_moves_is_not_qualified(room: Room) -> None:
    """Its verdicts may be two models': nothing is stored but the failure."""
    room.hosts.judge.moved = True
    found = await room.done()
    assert found["state"] == "failed"
    assert "changed during its qualification" in found["error"]
    assert [kind for kind, _ in await room.ledger()] == ["qualification.started"]


async def test_a_host_that_is_down_fails_each_row_and_qualifies_nobody(room: Room) -> None:
    """All rows without a score: kappa -1, the reason counted."""

    def down(_: AnswerRequest) -> str:
        raise ModelFailed("no Ollama host answers at http://one")

    room.hosts.judge.reply = down
    result = (await room.done())["result"]
    assert (result["scored"], result["kappa_bp"]) == (0, -10_000)
    assert result["unscored"] == [
        {"reason": "the judge could not be asked: no Ollama host answers at http://one", "n": 20}
    ]


async def test_a_running_qualification_can_be_cancelled(room: Room) -> None:
    """It stops at its next row, and nothing is found of it; a second cancel is a conflict."""
    asked = await room.ask()
    author = await room.api.role("author")
    job = await room.claim()
    assert (await room.api.post(f"{PATH}/{asked['id']}/cancel", json={}, headers=author)).status_code == 200
    await room.judging.execute(job)
    assert (await room.read(asked["id"]))["state"] == "cancelled"
    problem(await room.api.post(f"{PATH}/{asked['id']}/cancel", json={}, headers=author), 409, "conflict")
    assert (await room.api.get(PATH, headers=author)).json()["items"] == []


async def test_a_worker_that_lost_its_lease_stores_nothing(room: Room) -> None:
    """The one that took over ends the job, once."""
    asked = await room.ask()
    first = await room.claim("worker-1")
    room.clock.advance(3_600_000)
    second = await room.claim("worker-2")
    with pytest.raises(LeaseLost):
        await room.judging.execute(first)
    await room.judging.execute(second)
    assert (await room.read(asked["id"]))["state"] == "done"
    assert (await room.services.jobs.one("default", asked["id"])).state is JobState.DONE


async def test_the_worker_knows_the_job(room: Room) -> None:
    """The kind that is queued is one that a worker does."""
    assert KIND in handlers(room.services)


async def test_qualifications_are_paged_newest_first(room: Room) -> None:
    """And by instrument."""
    ids = []
    for judge in ("grounding", "ollama/careful:1b", "grounding"):
        ids.append((await room.done(judge=judge))["id"])
        room.clock.advance(5)
    viewer = await room.api.role("viewer")
    page = (await room.api.get(PATH, params={"limit": 2}, headers=viewer)).json()
    rest = (await room.api.get(PATH, params={"limit": 2, "cursor": page["next_cursor"]}, headers=viewer)).json()
    assert [one["id"] for one in (*page["items"], *rest["items"])] == ids[::-1]
    only = (await room.api.get(PATH, params={"instrument": grounding_digest()}, headers=viewer)).json()
    assert [one["id"] for one in only["items"]] == [ids[2], ids[0]]


async def sekisho(room: Room, *words: str) -> Result:
    """A command that waits, with a worker beside it."""
    task = asyncio.create_task(command(room.api, await room.api.token_for("author"), commands, *words))
    while not task.done():
        job = await room.services.jobs.claim([KIND], "worker-1")
        if job is not None:
            await room.judging.execute(job)
        await asyncio.sleep(0.02)
    return await task


async def test_the_command_line_shows_kappa_and_what_it_hides(room: Room, tmp_path: Path) -> None:
    """`qualify` waits and shows; `list` and `show` find it again; a failure exits with 4, bad labels with 2."""
    file = tmp_path / "labels.jsonl"
    file.write_bytes(lines(rows()))
    made = await sekisho(room, "judge", "qualify", "--judge", "ollama/careful:1b", "--labels", str(file))
    assert made.exit_code == 0, made.output
    assert "kappa 1.000 [" in made.stdout
    assert "20 rows from 10 sources" in made.stdout
    (only,) = (await room.api.get(PATH, headers=await room.api.role("viewer"))).json()["items"]
    assert only["id"] in (await sekisho(room, "judge", "show", only["id"])).stdout
    assert "1.000" in (await sekisho(room, "judge", "list")).stdout
    room.hosts.judge.moved = True
    failed = await sekisho(room, "judge", "qualify", "--judge", "ollama/careful:1b", "--labels", str(file))
    assert failed.exit_code == 4, failed.output
    file.write_bytes(lines([GOOD]))
    refused = await sekisho(room, "judge", "qualify", "--judge", "grounding", "--labels", str(file))
    assert refused.exit_code == 2
    assert "same label" in refused.stderr
