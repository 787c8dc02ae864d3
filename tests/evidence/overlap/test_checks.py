"""Overlap checks: asked for over REST, done by a worker, read by the gate."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api_client import ApiClient
from tests.ledger.by_hand import problems_after
from tests.problems import problem
from tests.registry.manifests import dataset, put, register, register_agent

from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.jobs import Job, JobState

OVERLAPS = "/v1/projects/default/overlaps"
LEAKED = "Which page of the handbook says how long an approval holds?"
ROWS = [{"id": "q1", "question": LEAKED}, {"id": "q2", "question": "Who may give an approval, and who may not?"}]
CASES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
ASKED = {"subject": "agent/docs@latest", "dataset": "dataset/questions@latest"}


@pytest.fixture
async def door(api: ApiClient) -> ApiClient:
    """A server that knows an agent, whose corpus holds nothing of a dataset of two questions."""
    actor = await api.services.identity.authenticate(await api.token_for("author"))
    registry = api.services.registry
    await register_agent(registry, actor)
    await put(registry, actor, CASES)
    manifest = dataset(CASES, content=digest_of_bytes(CASES), fields=["id", "question"])
    await register(registry, actor, "dataset/questions", manifest)
    return api


async def ask(door: ApiClient, body: dict[str, str] = ASKED, *, by: str = "author") -> Any:
    return await door.post(OVERLAPS, json=body, headers=await door.role(by))


async def work(door: ApiClient) -> Job:
    """Have the next check done as a worker does it."""
    jobs = door.services.jobs
    job = await jobs.claim(["overlap"], "test")
    assert job is not None
    await door.services.overlaps.execute(job)
    return await jobs.one("default", job.id)


async def test_a_viewer_may_not_ask(door: ApiClient) -> None:
    """It takes a worker's time, and makes evidence."""
    problem(await ask(door, by="viewer"), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "status", "slug", "path"),
    [
        ({**ASKED, "dataset": "prompt/docs@latest"}, 400, "invalid", "$.dataset"),
        ({**ASKED, "subject": "prompt/docs@latest"}, 400, "invalid", "$.subject"),
        ({**ASKED, "dataset": "dataset/none@latest"}, 404, "not-found", None),
        ({**ASKED, "dataset": "sha256:" + "0" * 64}, 404, "not-found", None),
        ({**ASKED, "subject": ""}, 400, "invalid", "$.subject"),
        ({"subject": "agent/docs@latest"}, 400, "invalid", "$.dataset"),
    ],
)
async def test_what_cannot_be_looked_for_is_named(
    door: ApiClient, body: dict[str, str], status: int, slug: str, path: str | None
) -> None:
    """Nothing is queued for it."""
    refused = problem(await ask(door, body), status, slug)
    if path is not None:
        assert path in [error["path"] for error in refused["errors"]]
    assert await door.services.jobs.claim(["overlap"], "test") is None


async def test_a_check_is_done_once_and_told(door: ApiClient) -> None:
    """What it finds follows from the digests; asking again gives the same check, and the ledger has it once."""
    queued = await ask(door)
    assert (queued.status_code, queued.json()["state"]) == (202, "queued")
    first = (await work(door)).result
    await ask(door)
    again = (await work(door)).result
    assert first is not None
    assert first == again
    (found,) = first["overlaps"]
    assert {name: found[name] for name in ("cases", "untold", "in_prompt", "in_corpus", "origin")} == {
        "cases": 2, "untold": 0, "in_prompt": 0, "in_corpus": 0, "origin": "measured",
    }  # fmt: skip
    headers = await door.role("viewer")
    listed = await door.get(OVERLAPS, params={"subject": "agent/docs@latest"}, headers=headers)
    assert listed.json()["items"] == [found]
    told = await door.get(f"{OVERLAPS}/{queued.json()['id']}", headers=headers)
    assert told.json()["result"]["overlaps"] == [found]
    entries = await door.get("/v1/ledger/entries", params={"kind": "overlap.measured"}, headers=headers)
    assert [entry["body"]["overlap"] for entry in entries.json()["items"]] == [found["id"]]


async def test_the_gate_reads_what_was_found(door: ApiClient) -> None:
    """It enters the evidence of every agent that is made of this prompt and corpus, and so its hash."""
    where = {"subject": "agent/docs@latest", "stage": "production"}
    headers = await door.role("viewer")
    before = (await door.get("/v1/projects/default/evidence", params=where, headers=headers)).json()
    await ask(door)
    await work(door)
    after = (await door.get("/v1/projects/default/evidence", params=where, headers=headers)).json()
    assert before["hash"] != after["hash"]


async def test_a_cancelled_check_leaves_nothing(door: ApiClient) -> None:
    """Nor does it count as looked for."""
    await ask(door)
    jobs = door.services.jobs
    job = await jobs.claim(["overlap"], "test")
    assert job is not None
    async with door.services.database.write() as tx:
        await jobs.cancel(tx, job.id)
    await door.services.overlaps.execute(job)
    assert (await jobs.one("default", job.id)).state is JobState.CANCELLED
    listed = await door.get(OVERLAPS, params={"subject": "agent/docs@latest"}, headers=await door.role("viewer"))
    assert listed.json()["items"] == []


async def test_another_projects_checks_are_not_there(door: ApiClient) -> None:
    """Neither the job nor the list is told."""
    queued = (await ask(door)).json()
    admin = await door.services.identity.authenticate(door.admin_token)
    await door.services.identity.create_project(admin, "other")
    headers = await door.role("viewer", project="other", name="stranger")
    problem(await door.get(f"/v1/projects/other/overlaps/{queued['id']}", headers=headers), 404, "not-found")
    problem(await door.get(f"{OVERLAPS}/{queued['id']}", headers=headers), 404, "not-found")


async def test_a_finding_changed_by_hand_is_named(door: ApiClient) -> None:
    """The ledger holds every number of it."""
    await ask(door)
    await work(door)
    ledger = door.services.ledger
    async with door.services.database.read() as tx:
        assert (await ledger.verify_in(tx)).problems == ()
    for statement, said in {
        "UPDATE overlap_checks SET in_prompt = 7": "in_prompt is 7",
        "UPDATE overlap_checks SET cases = 1": "cases is 1",
        "UPDATE overlap_checks SET corpus = prompt": "corpus is",
        "UPDATE overlap_checks SET created_at = 1": "created_at is 1",
        "DELETE FROM overlap_checks": "is gone",
    }.items():
        assert any(said in one for one in await problems_after(ledger, statement)), statement
