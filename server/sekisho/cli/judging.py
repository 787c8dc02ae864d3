"""Commands of judges: judge qualify, judge list, judge show."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from sekisho.cli.following import followed
from sekisho.cli.results import percent
from sekisho.cli.session import Session, session
from sekisho.client.judging import Judging
from sekisho.kernel.clock import from_epoch_ms, iso
from sekisho.kernel.digests import short

EXIT_CODES: Final = {"done": 0, "failed": 4, "cancelled": 4}


@click.group()
def judge() -> None:
    """Judges: what they are worth on answers that people have labelled."""


@judge.command("qualify")
@click.option("--judge", "name", required=True, help="ollama/MODEL, model/NAME@SELECTOR, or grounding.")
@click.option(
    "--labels",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON Lines with context, response and label (or hallucinated).",
)
@click.option("--scorer", help="As which scorer the judge is tried.  [default: judge.faithfulness]")
@click.option("--votes", type=click.IntRange(1, 9), default=1, show_default=True, help="The suite's votes per verdict.")
@session
def qualify(state: Session, name: str, labels: Path, scorer: str | None, votes: int) -> None:
    """Run a judge over labelled answers, and store how well it agrees with them.

    Whether that is enough is policy's to say. Rows that the judge gives no score count against it.
    Exit code 0 measured, 4 the qualification failed or was cancelled.
    """
    client = _client(state)
    started = client.qualify(name, labels.read_bytes(), scorer=scorer, votes=votes)
    title = f"{started['name']} as {started['scorer']}"
    ended = followed(state, title, lambda seen: client.wait(started["id"], seen))
    state.show(ended, _whole(ended))
    sys.exit(EXIT_CODES[ended["state"]])


@judge.command("list")
@click.option("--instrument", help="Only of this instrument (digest).")
@session
def list_qualifications(state: Session, instrument: str | None) -> None:
    """Every qualification, newest first."""
    found = _client(state).qualifications(instrument=instrument)
    state.show({"items": found}, _table(found) if found else "no judge has been qualified")


@judge.command("show")
@click.argument("qualification_id")
@session
def show(state: Session, qualification_id: str) -> None:
    """One qualification: the confusion, why rows have no score, where judge and people differ."""
    found = _client(state).qualification(qualification_id)
    state.show(found, _whole(found))


@judge.command("cancel")
@click.argument("qualification_id")
@session
def cancel(state: Session, qualification_id: str) -> None:
    """End a qualification; nothing is stored of it but that it was begun."""
    found = _client(state).cancel(qualification_id)
    told = "cancelled" if found["state"] == "cancelled" else "told to stop"
    state.show(found, f"qualification {qualification_id} is {told}")


def _client(state: Session) -> Judging:
    return Judging(state.connection, state.project)


def _table(found: Sequence[dict[str, Any]]) -> Table:
    """Three lines each, since ids and digests that are cut short name nothing: what was judged, and what was found."""
    table = Table(
        Column("judge, qualification, at", min_width=36, no_wrap=True),
        Column("scorer, instrument, labels", overflow="fold"),
        Column("kappa [95 %], scored", min_width=20, no_wrap=True),
    )
    for one in found:
        result = one["result"]
        table.add_row(
            f"{escape(one['name'])}\n{one['id']}\n{iso(from_epoch_ms(one['created_at']))}",
            f"{one['scorer']}\n{short(one['instrument'])}\n{short(one['labels'])}",
            f"{escape(_kappa(result, 'kappa'))}\n{result['scored']} of {result['n']} rows",
        )
    return table


def _whole(found: dict[str, Any]) -> RenderableType:
    if found["state"] != "done":
        reason = f": {found['error']}" if "error" in found else ""
        progress = found["progress"]
        return (
            f"qualification {found['id']} is {found['state']}{reason} ({progress['done']} of {progress['total']} rows)"
        )
    result = found["result"]
    confusion = Table("label \\ verdict", "hallucinated", "supported", "unscored", title=escape(found["name"]))
    for label, row in result["confusion"].items():
        confusion.add_row(label, *(str(row[name]) for name in ("hallucinated", "supported", "unscored")))
    lines = [
        f"qualification {found['id']} of {found['name']} as {found['scorer']}, instrument {short(found['instrument'])}",
        f"kappa {_kappa(result, 'kappa')}: rows without a score count against the judge",
        f"kappa of the {result['scored']} scored rows {_kappa(result, 'kappa_scored')}",
        f"sensitivity {_rate(result, 'sensitivity')}, specificity {_rate(result, 'specificity')}",
        f"{result['n']} rows from {result['clusters']} sources, labels {short(found['labels'])}",
        *(f"{item['n']} rows have no score: {item['reason']}" for item in result["unscored"]),
    ]
    return Group(confusion, Text("\n".join(lines)))


def _kappa(result: dict[str, Any], name: str) -> str:
    """``0.412 [0.201, 0.623]``, or a dash where it is undefined."""
    if f"{name}_bp" not in result:
        return "-"
    low, high = result[f"{name}_low_bp"] / 10_000, result[f"{name}_high_bp"] / 10_000
    return f"{result[f'{name}_bp'] / 10_000:.3f} [{low:.3f}, {high:.3f}]"


def _rate(result: dict[str, Any], name: str) -> str:
    limits = f"[{result[f'{name}_low_bp'] / 100:.1f}, {result[f'{name}_high_bp'] / 100:.1f}]"
    return f"{percent(result[f'{name}_bp'])} {limits}"


commands: list[click.Command] = [judge]
