"""The report as JSON, against the schema that is published."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sekisho.evaluation.reports.formats import Format, Wish, render
from sekisho.evaluation.reports.shape import SCHEMA, report_schema
from sekisho.evaluation.types import RunState
from sekisho.inference.types import AnswerRequest
from sekisho.kernel.errors import Invalid, ModelFailed, NotFound
from tests.evaluation.fakes import VIEWER, World, only_english
from tests.evaluation.reports.samples import HOSTILE, compared, hostile, report, result, results
from tests.evaluation.test_runs import run_once


def faults(made: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(report_schema()).iter_errors(made)]


def test_the_schema_is_one() -> None:
    """Of draft 2020-12, with the version in it; it refuses what is no report."""
    Draft202012Validator.check_schema(report_schema())
    assert report_schema()["title"] == SCHEMA
    made: Any = report()
    assert faults({**made, "schema": "sekisho.report/v1"})
    assert faults({name: part for name, part in made.items() if name != "verdict"})


@pytest.mark.parametrize("state", list(RunState))
def test_every_state_has_a_report(state: RunState) -> None:
    """Also one of which nothing is known yet."""
    assert faults(report(state=state)) == []
    assert faults(report([], state=state, summary=None, final_digest=None, finished_at=None)) == []


def test_a_comparison_and_numbers_to_come_fit_the_schema() -> None:
    """Statistics may say more than this version of the schema names."""
    made = compared(results(1), results(18), {"novel_bp": 3, "holm": {"decision": "fail"}, "margin_bp": 5})
    assert faults(made) == []
    assert [row["case"] for row in made["comparison"]["regressions"]][:2] == ["q-001-ja", "q-002-en"]
    assert made["comparison"]["regressions"][0]["before"]["failing"] == ["token_f1"]


def test_control_cases_are_counted_apart() -> None:
    """They measure the scorers, so they are in no distribution and no list but their own."""
    control = result("control-1", 0, output={"control": "unsupported", "answer": "x", "retrieved": []})
    summary = {
        **(report()["run"]["summary"]),
        "controls": {"planned": 1, "missed": 1, "allowed": 0, "missed_cases": ["control-1"]},
    }
    made = report([*results(5), control], summary=summary)
    assert faults(made) == []
    assert [case["case"] for case in made["controls"]] == ["control-1"]
    assert made["cut"]["total"] == 20
    assert sum(one["n"] for one in made["distributions"]["hallucinated"]) == 20


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_and_escaped(text: str) -> None:
    """A parser reads what was written; the file itself is inert and valid UTF-8."""
    made = hostile(text)
    content = render(made, Wish(Format.JSON)).content.decode()
    assert json.loads(content) == made
    assert "\x9b" not in content
    assert "\u202e" not in content
    assert "<script" not in content


async def test_reports_of_real_runs_fit_the_schema(world: World) -> None:
    """Measured, failed in part, compared; with the passages that were read; on every kind of database."""
    world.agent()
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}, {"name": "mrr"}])
    world.index.texts = lambda query: ["x" * 5_990, *only_english(query)]

    def reply(request: AnswerRequest) -> str:
        if request.question == "question 0 in ja":
            raise ModelFailed("the host dropped the connection")
        return "Barracks were founded by Napoleon in 1805."

    first = await run_once(world, "suite/answers@latest")
    world.model.reply = reply
    second = await run_once(world, "suite/answers@latest")
    made = await world.evaluation.report(VIEWER, "default", second.id, baseline_id=first.id)
    assert faults(json.loads(json.dumps(made))) == []
    failed = made["cases"][0] if "failure" in made["cases"][0] else next(c for c in made["cases"] if "failure" in c)
    assert failed["case"] == "q-00-ja"
    answered = next(case for case in made["cases"] if case["case"] == "q-01-en")
    assert [passage.get("text", "")[:5] for passage in answered["passages"]] == ["xxxxx", "noise", "gold "]
    assert answered["passages"][2]["cut"] is True
    assert "1805" in answered["flags"][0]["reasons"][0]


async def test_a_baseline_by_another_suite_is_refused(world: World) -> None:
    """Cases of two suites cannot be paired; a run that is not there is not found."""
    world.agent()
    world.suite()
    first = await run_once(world)
    world.suite("second", scorers=[{"name": "mrr"}])
    second = await run_once(world, "suite/second@latest")
    with pytest.raises(Invalid):
        await world.evaluation.report(VIEWER, "default", second.id, baseline_id=first.id)
    with pytest.raises(NotFound):
        await world.evaluation.report(VIEWER, "default", second.id, baseline_id="nothing")


async def test_the_same_results_give_the_same_bytes(world: World) -> None:
    """In every format, whenever the report is asked for."""
    world.agent()
    world.suite()
    run = await run_once(world)
    for form in Format:
        made = [await world.evaluation.rendered_report(VIEWER, "default", run.id, Wish(form)) for _ in range(2)]
        assert made[0].content == made[1].content
