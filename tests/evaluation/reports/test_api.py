"""Reports over REST."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from sekisho.evaluation.reports.formats import Format, Wish, accepted
from tests.api_client import ApiClient
from tests.evaluation.fakes import VIEWER, World
from tests.evaluation.reports.test_junit import totals_are_those_of_the_tests
from tests.evaluation.test_api import RUNS, start
from tests.problems import problem


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"format": "pdf"}, "$.format"),
        ({"lang": "fr"}, "$.lang"),
        ({"cases": "501"}, "$.cases"),
        ({"docs": "javascript:alert(1)"}, "$.docs"),
        ({"docs": 'https://x.example/"onclick='}, "$.docs"),
    ],
)
async def test_a_wrong_wish_is_refused(door: ApiClient, params: dict[str, str], path: str) -> None:
    """400, with the parameter that is wrong."""
    run = await start(door)
    answer = await door.get(f"{RUNS}/{run['id']}/report", params=params, headers=await door.role("viewer"))
    assert problem(answer, 400, "invalid")["errors"][0]["path"] == path


@pytest.mark.parametrize(
    ("params", "accept", "media_type"),
    [
        ({}, "*/*", "application/json"),
        ({"format": "json"}, "text/html", "application/json"),
        ({"format": "junit"}, "*/*", "application/xml"),
        ({"format": "markdown"}, "*/*", "text/markdown; charset=utf-8"),
        ({"format": "html", "lang": "ja"}, "*/*", "text/html; charset=utf-8"),
        ({}, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ({}, "text/markdown", "text/markdown; charset=utf-8"),
        ({}, "application/xml", "application/xml"),
        ({}, "image/png", "application/json"),
    ],
)
async def test_the_format_is_named_or_negotiated(
    door: ApiClient, world: World, params: dict[str, str], accept: str, media_type: str
) -> None:
    """The parameter wins over the header; JSON where neither names a format that we have."""
    run = await start(door)
    await world.evaluation.execute(await world.claim())
    headers = {**await door.role("viewer"), "Accept": accept}
    answer = await door.get(f"{RUNS}/{run['id']}/report", params=params, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Accept"
    assert run["id"] in answer.headers["content-disposition"]
    if media_type.startswith("text/html"):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "sandbox" in answer.headers["content-security-policy"]
    if media_type == "application/xml":
        ElementTree.fromstring(answer.content)  # our own file


async def test_a_baseline_and_an_address_are_taken(door: ApiClient, world: World) -> None:
    """The comparison joins the report, and its numbers link to where a reader can open the page."""
    first = await start(door)
    await world.evaluation.execute(await world.claim())
    world.index.texts = lambda _query: []
    second = await start(door)
    await world.evaluation.execute(await world.claim())
    params = {"baseline": first["id"], "docs": "https://docs.example/statistics", "cases": "2"}
    viewer = await door.role("viewer")
    made = (await door.get(f"{RUNS}/{second['id']}/report", params=params, headers=viewer)).json()
    assert made["verdict"]["outcome"] == "worse"
    assert made["methods"]["mean"] == "https://docs.example/statistics#mean"
    cases = f"/v1/projects/default/runs/{second['id']}/cases"
    assert made["cut"] == {"total": 12, "shown": 2, "cases": cases}


async def test_a_report_takes_being_in_the_project(door: ApiClient) -> None:
    """Nobody reads without a token, and another project is not there."""
    run = await start(door)
    problem(await door.get(f"{RUNS}/{run['id']}/report"), 401, "unauthenticated")
    elsewhere = f"/v1/projects/elsewhere/runs/{run['id']}/report"
    problem(await door.get(elsewhere, headers=await door.role("viewer")), 404, "not-found")


async def test_the_schema_is_published(door: ApiClient) -> None:
    """And is a schema of what the same server answers."""
    viewer = await door.role("viewer")
    schema = (await door.get("/v1/reports/schema", headers=viewer)).json()
    run = await start(door)
    made = (await door.get(f"{RUNS}/{run['id']}/report", headers=viewer)).json()
    assert not list(Draft202012Validator(schema).iter_errors(made))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.JSON),
        ("text/html;q=0.4, text/markdown;q=0.5", Format.MARKDOWN),
        ("text/html;q=0", Format.JSON),
        ("TEXT/HTML ; level=1", Format.HTML),
        ("text/html;q=often", Format.JSON),
        ("text/xml", Format.JUNIT),
    ],
)
def test_weights_are_respected(accept: str, form: Format) -> None:
    """The highest weight that is ours; a weight that is no number counts nothing."""
    assert accepted(accept) is form


async def test_junit_has_every_case_unless_a_number_is_asked_for(door: ApiClient, world: World) -> None:
    """A CI server counts tests; with `cases` it gets so many of the worst, and is told of the others."""
    run = await start(door)
    await world.evaluation.execute(await world.claim())
    viewer, where = await door.role("viewer"), f"{RUNS}/{run['id']}/report"
    answer = await door.get(where, params={"format": "junit"}, headers=viewer)
    root = ElementTree.fromstring(answer.content)  # our own file
    assert len(root.findall("testsuite[2]/testcase")) == 12
    assert totals_are_those_of_the_tests(root)
    some = await door.get(where, params={"format": "junit", "cases": "3"}, headers=viewer)
    assert "the 3 worst of 12 cases were looked at, 9 were not" in some.text


async def test_junit_of_a_run_that_is_not_there_is_refused(door: ApiClient) -> None:
    """404 before anything is written."""
    answer = await door.get(f"{RUNS}/nowhere/report", params={"format": "junit"}, headers=await door.role("viewer"))
    problem(answer, 404, "not-found")


async def test_the_cases_that_are_not_shown_have_an_address(door: ApiClient, world: World) -> None:
    """The server's, where it is known to others; a report that holds every case names none."""
    run = await start(door)
    await world.evaluation.execute(await world.claim())
    there = replace(world.evaluation, server="https://sekisho.example/")
    made = await there.report(VIEWER, "default", run["id"], Wish(cases=2))
    assert made["cut"]["cases"] == f"https://sekisho.example/v1/projects/default/runs/{run['id']}/cases"
    assert "cases" not in (await there.report(VIEWER, "default", run["id"]))["cut"]
