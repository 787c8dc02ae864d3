"""Evaluation over REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api_client import ApiClient
from tests.evaluation.fakes import World
from tests.problems import problem

RUNS = "/v1/projects/default/runs"
ASKED = {"suite": "suite/docs-retrieval@latest", "subject": "agent/docs@latest"}


async def start(door: ApiClient, **headers: str) -> dict[str, Any]:
    answer = await door.post(RUNS, json=ASKED, headers={**await door.role("author"), **headers})
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**ASKED, "limit": 3}, "limit"),
        ({"suite": ASKED["suite"]}, "subject"),
        ({**ASKED, "suite": "suite"}, "reference"),
        ({**ASKED, "suite": "prompt/docs@latest"}, "suite"),
        ({**ASKED, "suite": "other/suite/docs-retrieval@latest"}, "suite"),
    ],
)
async def test_a_wrong_request_is_refused(door: ApiClient, body: dict[str, Any], path: str) -> None:
    """400, with the place that is wrong."""
    answer = await door.post(RUNS, json=body, headers=await door.role("author"))
    told = problem(answer, 400, "invalid")
    assert path in str(told["errors"][0])


async def test_a_viewer_may_not_start_and_may_read(door: ApiClient) -> None:
    """Starting a run takes a role; reading one takes being in the project."""
    viewer = await door.role("viewer")
    problem(await door.post(RUNS, json=ASKED, headers=viewer), 403, "forbidden")
    run = await start(door)
    assert (await door.get(f"{RUNS}/{run['id']}", headers=viewer)).status_code == 200
    problem(await door.get(f"{RUNS}/nothing", headers=viewer), 404, "not-found")


async def test_a_run_from_start_to_report(door: ApiClient, world: World) -> None:
    """Queued, done, read: the run, its cases page by page, its report, the list."""
    viewer = await door.role("viewer")
    run = await start(door)
    assert run["state"] == "queued"
    await world.evaluation.execute(await world.claim())
    after = (await door.get(f"{RUNS}/{run['id']}", headers=viewer)).json()
    assert after["state"] == "finished"
    assert after["summary"]["metrics"]["recall@5"]["mean_bp"] == 5000
    page = (await door.get(f"{RUNS}/{run['id']}/cases", params={"limit": 5}, headers=viewer)).json()
    assert [item["case"] for item in page["items"]][:2] == ["q-00-en", "q-00-ja"]
    assert page["items"][1]["scores"]["recall@5"] == {"value": 0}
    rest = await door.get(f"{RUNS}/{run['id']}/cases", params={"cursor": page["next_cursor"]}, headers=viewer)
    assert len(rest.json()["items"]) == 7
    report = (await door.get(f"{RUNS}/{run['id']}/report", headers=viewer)).json()
    assert report["schema"] == "sekisho.report/v2"
    worst = report["worst"]["recall@5"]["language"][0]
    assert {case["group"]: case["value_bp"] for case in worst["cases"]} == {"en": 10000, "ja": 0}
    listed = (await door.get(RUNS, params={"subject": run["subject"]}, headers=viewer)).json()
    assert [item["id"] for item in listed["items"]] == [run["id"]]


async def test_the_same_key_starts_one_run(door: ApiClient) -> None:
    """A retried request gives the first answer's run."""
    first = await start(door, **{"Idempotency-Key": "ci-7"})
    assert (await start(door, **{"Idempotency-Key": "ci-7"}))["id"] == first["id"]


async def test_an_ended_run_is_not_cancelled_again(door: ApiClient) -> None:
    """409 the second time."""
    run, author = await start(door), await door.role("author")
    assert (await door.post(f"{RUNS}/{run['id']}/cancel", json={}, headers=author)).json()["state"] == "cancelled"
    problem(await door.post(f"{RUNS}/{run['id']}/cancel", json={}, headers=author), 409, "conflict")


async def test_runs_are_compared(door: ApiClient, world: World) -> None:
    """Two runs of one suite; one that has no result yet is a conflict."""
    viewer = await door.role("viewer")
    first = await start(door)
    await world.evaluation.execute(await world.claim())
    second = await start(door)
    pair = {"baseline": first["id"], "candidate": second["id"]}
    problem(await door.get(f"{RUNS}/compare", params=pair, headers=viewer), 409, "conflict")
    await world.evaluation.execute(await world.claim())
    compared = (await door.get(f"{RUNS}/compare", params=pair, headers=viewer)).json()
    assert compared["metrics"]["recall@5"]["change"] == "none"
    assert compared["metrics"]["recall@5"]["high_bp"] > 0


async def test_the_suite_schema_and_the_scorers_are_told(door: ApiClient) -> None:
    """What an editor and an author need to write a suite."""
    viewer = await door.role("viewer")
    schema = (await door.get("/v1/suites/schema", headers=viewer)).json()
    assert "sekisho.suite/v1" in str(schema)
    names = {item["name"] for item in (await door.get("/v1/scorers", headers=viewer)).json()["items"]}
    assert {"recall", "ndcg", "mrr", "grounding"} <= names


async def test_a_scorer_tells_all_that_a_suite_needs_to_know(door: ApiClient) -> None:
    """Parameters as a schema, the range with its unit, direction, limits, and the part of the package it needs."""
    listed = (await door.get("/v1/scorers", headers=await door.role("viewer"))).json()["items"]
    items = {item["name"]: item for item in listed}
    assert (items["latency_ms"]["range"], items["latency_ms"]["unit"]) == ([0.0, None], "ms")
    assert (items["recall"]["range"], items["recall"]["unit"]) == ([0.0, 1.0], "")
    assert items["regex"]["extra"] == "server"
    assert "pattern" in str(items["regex"]["parameters"])
    assert items["refused"]["lower_is_better"] == ["refused"]
    assert "phrases" in items["refused"]["limits"]


async def test_a_replay_from_request_to_result(door: ApiClient, world: World) -> None:
    """Asked for by who may evaluate, done by a worker, read by anybody of the project."""
    author, viewer = await door.role("author"), await door.role("viewer")
    run = await start(door)
    replays = f"{RUNS}/{run['id']}/replays"
    problem(await door.post(replays, json={}, headers=author), 409, "conflict")
    await world.evaluation.execute(await world.claim())
    problem(await door.post(replays, json={}, headers=viewer), 403, "forbidden")
    asked = await door.post(replays, json={}, headers=author)
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    job = await world.jobs.claim(["replay"], "worker-1")
    assert job is not None
    await world.evaluation.execute_replay(job)
    found = (await door.get(f"{replays}/{job.id}", headers=viewer)).json()
    assert (found["state"], found["same"], found["compared"]) == ("done", True, 12)
    assert "difference" not in found
    problem(await door.get(f"{RUNS}/nothing/replays/{job.id}", headers=viewer), 404, "not-found")
