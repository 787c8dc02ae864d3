"""Reports from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from sekisho.cli import main
from sekisho.cli.results import comparison_table, report_view, runs_table
from tests.api_client import ApiClient
from tests.evaluation.fakes import VIEWER, World
from tests.evaluation.reports.samples import HOSTILE, compared, hostile, result
from tests.evaluation.test_cli import sekisho, worked

EVAL = ("eval", "agent/docs@latest", "--suite", "suite/docs-retrieval@latest")


async def two_runs(door: ApiClient, world: World) -> tuple[str, str]:
    """A run, and a later one that found nothing."""
    await worked(world, door, *EVAL)
    world.index.texts = lambda _query: []
    await worked(world, door, *EVAL)
    page = await world.evaluation.runs(VIEWER, "default", limit=5)
    means = {run.id: run.summary["metrics"]["mrr"]["mean_bp"] for run in page.items if run.summary}
    worse, better = sorted(means, key=means.__getitem__)
    return better, worse


async def test_an_unknown_format_is_a_usage_error(door: ApiClient) -> None:
    """Exit 2, with the formats there are."""
    found = await sekisho(door, "run", "report", "x", "--format", "pdf")
    assert found.exit_code == 2
    assert "markdown" in found.stderr


async def test_reports_are_written_to_files(door: ApiClient, world: World, tmp_path: Path) -> None:
    """Each format as a parser reads it; what cannot be written is a usage error."""
    better, worse = await two_runs(door, world)
    for form in ("json", "junit", "markdown", "html"):
        found = await sekisho(
            door, "run", "report", worse, "--baseline", better, "--format", form, "--out", str(tmp_path / form)
        )
        assert found.exit_code == 0, found.output
    schema = json.loads((await sekisho(door, "run", "schema")).stdout)
    assert not list(Draft202012Validator(schema).iter_errors(json.loads((tmp_path / "json").read_text("utf-8"))))
    assert ElementTree.parse(tmp_path / "junit").getroot().get("failures") != "0"  # our own file
    assert (tmp_path / "markdown").read_text("utf-8").startswith("## ❌")
    assert (tmp_path / "html").read_text("utf-8").startswith("<!DOCTYPE html>")
    refused = await sekisho(door, "run", "report", worse, "--format", "html", "--out", str(tmp_path / "no" / "where"))
    assert "cannot be written" in str(refused.stderr or refused.exception)


async def test_compare_writes_the_report_and_still_exits_with_1(door: ApiClient, world: World) -> None:
    """The report of the candidate with the baseline beside it, on standard output."""
    better, worse = await two_runs(door, world)
    found = await sekisho(door, "compare", better, worse, "--format", "markdown", "--docs", "https://docs.example/s")
    assert found.exit_code == 1
    assert "### What changed since run" in found.stdout
    assert "(https://docs.example/s#paired-difference)" in found.stdout


async def test_every_case_can_be_had_as_json(door: ApiClient, world: World) -> None:
    """Beside the worst, all of them as rows."""
    await worked(world, door, *EVAL)
    (only,) = (await world.evaluation.runs(VIEWER, "default", limit=5)).items
    main.get_command(click.Context(main), "run")  # which gives every command of the room its --json
    found = await sekisho(door, "run", "report", only.id, "--cases", "--json")
    assert len(json.loads(found.stdout)["rows"]) == 12


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_shows_hostile_text_and_does_not_obey_it(text: str) -> None:
    """No escape sequence, no control character, no workflow command at the start of a line."""
    console = Console(width=300, record=True, force_terminal=False, quiet=False)
    made = hostile(text)
    with console.capture() as shown:
        console.print(report_view(dict(made)))
        console.print(comparison_table(dict(made["comparison"])))
    lines = shown.get().splitlines()
    assert not [line for line in lines if line.strip().startswith("::")]
    assert not {"\x1b", "\x9b", "\x07", "\x00", "\u202e"} & set(shown.get())


def test_a_narrow_terminal_still_shows_whole_ids() -> None:
    """A list of runs is read for the ids; one that is cut short names no run."""
    made = hostile("x")["run"]
    console = Console(width=80)
    with console.capture() as shown:
        console.print(runs_table([dict(made)]))
    assert made["id"] in shown.get()


def test_no_p_is_shown_as_nothing() -> None:
    """No test is ever certain: what rounds to 0 is told as less than the smallest shown."""
    console = Console(width=200)
    found = compared([result(f"q-{i:03}", 1.0) for i in range(60)], [result(f"q-{i:03}", 0.0) for i in range(60)])
    with console.capture() as shown:
        console.print(comparison_table(dict(found["comparison"])))
    assert "< 0.0001" in shown.get()
    assert "0.0000" not in shown.get()
