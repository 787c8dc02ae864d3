"""Bars on standard error: of what a worker does, and of what this command does itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sekisho.cli.session import Session
from sekisho.kernel.errors import SekishoError

Seen = Callable[[dict[str, Any]], None]
Told = Callable[[int, int], None]
"""Hears how much is done, and of how much."""
FAILED: Final = 4
UNCLAIMED_S: Final = 15


class Unclaimed:
    """Tells, once of each job, that it has waited long for a worker."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._since: dict[str, float] = {}

    def look(self, job: Mapping[str, Any]) -> None:
        since = self._since.setdefault(job["id"], time.monotonic())
        if job["state"] == "queued" and time.monotonic() - since >= UNCLAIMED_S:
            self._since[job["id"]] = float("inf")
            self._tell("no worker has taken this yet; `sekisho up` or `sekisho worker` starts one")


def followed(state: Session, title: str, wait: Callable[[Seen], dict[str, Any]]) -> dict[str, Any]:
    """The job once it has ended; `wait` does the waiting, and gives what it was given the job at every look."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=state.errors, disable=state.as_json, transient=True) as shown:
        task = shown.add_task(title, total=None, unit="", rate="")
        unclaimed = Unclaimed(shown.print)

        def seen(job: dict[str, Any]) -> None:
            unclaimed.look(job)
            progress = {"done": 0, "total": 0, "unit": "", **job.get("progress", {})}
            if shown.tasks[0].fields["unit"] != progress["unit"]:  # another step: its own time and rate
                shown.reset(task)
            speed = shown.tasks[0].speed
            shown.update(
                task,
                completed=progress["done"],
                total=progress["total"] or None,
                unit=progress["unit"],
                rate=f", {speed:.1f}/s" if speed else "",
            )

        return wait(seen)


@contextmanager
def bars(state: Session) -> Iterator[Callable[[str], Told]]:
    """For work of this command's own: gives what makes a bar of some title, and that is told how far it is."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=state.errors, disable=state.as_json, transient=True) as shown:

        def bar(title: str) -> Told:
            task = shown.add_task(title, total=None)
            return lambda done, total: shown.update(task, completed=done, total=total)

        yield bar


def result_of(state: Session, job: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a job that is done; of another one why, and the end of this command."""
    if job["state"] != "done":
        state.show_error(SekishoError(job["error"] or f"the job was {job['state']}"))
        sys.exit(FAILED)
    result: dict[str, Any] = job["result"]
    return result
