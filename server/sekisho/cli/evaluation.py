"""Commands of evaluation: eval, run, compare, suite, scorers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from sekisho.cli.following import Unclaimed
from sekisho.cli.overlaps import look
from sekisho.cli.regressions import compare_ended, comparison_code
from sekisho.cli.reporting import report_options, show_json, write_report
from sekisho.cli.results import comparison_table, report_view, run_table, runs_table, scorers_table
from sekisho.cli.session import Session, session
from sekisho.client.evaluation import Evaluation
from sekisho.client.registry import Registry
from sekisho.kernel.errors import SekishoError
from sekisho.kernel.references import Kind

EXIT_CODES: Final = {"finished": 0, "inconclusive": 3, "failed": 4, "cancelled": 4}


class Rate(ProgressColumn):
    """Cases per second, as the server says; where it does not, as seen from here."""

    def render(self, task: Task) -> Text:
        rate = task.fields.get("per_second") or task.speed
        return Text(f"{rate:.1f}/s" if rate else "")


class Left(ProgressColumn):
    """Time left, as the server says; where it does not, as seen from here."""

    def render(self, task: Task) -> Text:
        left = task.fields.get("seconds_left")
        seconds = left if left is not None else task.time_remaining
        if seconds is None or task.finished:
            return Text("")
        minutes, rest = divmod(int(seconds), 60)
        return Text(f"{minutes // 60}:{minutes % 60:02}:{rest:02} left")


@click.command("eval")
@click.argument("subject", required=False)
@click.option("--baseline", help="A run of the same suite: compare with it, and exit 1 on a regression.")
@click.option(
    "--against", help="A stage: compare with the last run there is of the version there, by the stage's margins."
)
@click.option("--suite", "suites", multiple=True, help="Suite to measure by; may be given again. Default: the lock's.")
@click.option(
    "--lock",
    "lock_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sekisho.lock"),
    show_default=True,
    help="Where references without a selector are looked up.",
)
@click.option("--idempotency-key", envvar="SEKISHO_IDEMPOTENCY_KEY", help="Repeat the request without a second run.")
@click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Score these recorded answers (JSON Lines of id, answer, retrieved) instead of asking SUBJECT; the run is "
    "imported evidence, which a policy may not accept.",
)
@session
def evaluate(
    state: Session,
    subject: str | None,
    baseline: str | None,
    against: str | None,
    suites: tuple[str, ...],
    lock_file: Path,
    idempotency_key: str | None,
    answers: Path | None,
) -> None:
    """Measure SUBJECT (an agent, an index or a prompt) by suites, and wait for the result.

    Left out, SUBJECT means every agent of sekisho.lock, and the suites are all that the lock holds. Of an agent it also
    has looked for the suites' questions in its prompt and corpus, as `sekisho overlap check` does.
    Exit code 0 measured, 3 too little could be scored, 4 a run failed or was cancelled. With --baseline or --against
    also 1 where a metric got worse, which goes before 3, and 3 where a comparison is inconclusive or has no run there.
    """
    if baseline is not None and against is not None:
        raise click.UsageError("--baseline names a run, --against a stage: give one of them")
    subjects = [state.pinned(subject, lock_file)] if subject else state.locked(lock_file, Kind.AGENT)
    chosen = [state.pinned(suite, lock_file) for suite in suites] or state.locked(lock_file, Kind.SUITE)
    client = _client(state)
    if baseline is not None:
        if len(subjects) * len(chosen) != 1:
            raise click.UsageError("--baseline compares one run; name one subject and one suite")
        client.run(baseline)  # what is not there is told before anything is measured
    recorded = None if answers is None else _put(state, answers)
    started = [
        client.start(
            suite,
            one,
            idempotency_key=f"{idempotency_key}:{one}:{suite}" if idempotency_key else None,
            answers=recorded,
        )
        for one in subjects
        for suite in chosen
    ]
    ended = _follow(state, client, started)
    compared = compare_ended(state, client, ended, baseline, against)
    state.show({"runs": ended, **({} if compared is None else {"comparisons": compared})}, run_table(ended))
    for one in () if compared is None or state.as_json else compared:
        state.show(one, comparison_table(one))
    _look_for_overlaps(state, ended)
    codes = {EXIT_CODES[run["state"]] for run in ended} | set(map(comparison_code, compared or ()))
    sys.exit(next((code for code in (4, 1, 3) if code in codes), 0))


@click.group()
def run() -> None:
    """Runs: what was measured, and how far the others are."""


@run.command("list")
@click.option("--subject", help="Only runs of this version (reference or digest).")
@click.option("--suite", help="Only runs by this suite version (reference or digest).")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@session
def list_runs(state: Session, subject: str | None, suite: str | None, limit: int) -> None:
    """Runs, newest first."""
    page = _client(state).runs(subject=subject, suite=suite, limit=limit)
    state.show(page, runs_table(page["items"]))


@run.command("show")
@click.argument("run_id")
@session
def show(state: Session, run_id: str) -> None:
    """One run: its metrics with their intervals, or how far it is."""
    found = _client(state).run(run_id)
    state.show(found, run_table([found]))


@run.command("report")
@click.argument("run_id")
@click.option("--cases", "with_cases", is_flag=True, help="Add every case, as `rows` (with --json).")
@click.option("--baseline", help="A run of the same suite to compare with (with --format).")
@report_options
@session
def report(
    state: Session, /, run_id: str, with_cases: bool, baseline: str | None, form: str | None, **options: Any
) -> None:
    """The whole report: slices, gaps with the cases that show them, and what was not scored.

    With --format a file for a pull request, a CI server or a browser; the exit code is 0 whatever it says.
    """
    client = _client(state)
    if form is not None:
        write_report(client, run_id, form, baseline=baseline, **options)
        return
    found = client.report(run_id)
    if with_cases:
        found = {**found, "rows": client.cases(run_id)}
    if state.as_json:
        show_json(found)
    else:
        state.show(found, report_view(found))


@run.command("cancel")
@click.argument("run_id")
@session
def cancel(state: Session, run_id: str) -> None:
    """End a run; what it has measured so far is kept and is no evidence."""
    found = _client(state).cancel(run_id)
    state.show(found, f"run {run_id} is {'cancelled' if found['state'] == 'cancelled' else 'told to stop'}")


@run.command("replay")
@click.argument("run_id")
@session
def replay(state: Session, run_id: str) -> None:
    """Compute a run again from what its models answered then, and compare: no model host is asked.

    Exit code 0 where final digest and report are the same bytes, 1 where they differ, 4 where it cannot be replayed.
    """
    with Progress(TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), console=state.errors) as bars:
        task = bars.add_task("replaying", total=None)
        found = _client(state).replay(
            run_id, lambda job: bars.update(task, completed=job["progress"]["done"], total=job["progress"]["total"])
        )
    if found["state"] != "done":
        state.show(found, f"run {run_id} cannot be replayed: {found.get('error', found['state'])}")
        sys.exit(4)
    if found["same"]:
        state.show(
            found, f"run {run_id} replays to the same bytes: {found['compared']} results, {found['final_digest']}"
        )
        sys.exit(0)
    state.show(found, f"run {run_id} does not replay to the same bytes; the first difference is {found['difference']}")
    sys.exit(1)


@click.command()
@click.argument("baseline")
@click.argument("candidate")
@click.option("--stage", help="Judge by the margins that the policy sets at this stage.")
@report_options
@session
def compare(
    state: Session, /, baseline: str, candidate: str, stage: str | None, form: str | None, **options: Any
) -> None:
    """What changed from run BASELINE to run CANDIDATE, paired case by case.

    With --format the report of CANDIDATE with BASELINE beside it.
    Exit code 1 where a metric got worse with its whole interval on the wrong side of zero, 3 where a metric has no case
    that was scored in both, or a run is inconclusive. With --stage a metric that has a margin there goes by it alone: 1
    where one is exceeded, 3 where too few cases can say.
    """
    client = _client(state)
    found = client.compare(baseline, candidate, stage)
    if form is None:
        state.show(found, comparison_table(found))
    else:
        write_report(client, candidate, form, baseline=baseline, **options)
    sys.exit(comparison_code(found))


@run.command("schema")
@session
def report_schema(state: Session) -> None:
    """Print the JSON Schema of the report."""
    state.show(_client(state).report_schema())


@click.group()
def suite() -> None:
    """Suites: what to measure."""


@suite.command("schema")
@session
def schema(state: Session) -> None:
    """Print the JSON Schema of the suite manifest."""
    state.show(_client(state).suite_schema())


@click.command()
@session
def scorers(state: Session) -> None:
    """The scorers that a suite may name, what they read, and when a case has no score."""
    found = _client(state).scorers()
    state.show({"items": found}, scorers_table(found))


def _put(state: Session, file: Path) -> str:
    (digest,) = Registry(state.connection, state.project).put_blobs([file.read_bytes()])
    return digest


def _client(state: Session) -> Evaluation:
    return Evaluation(state.connection, state.project)


def _look_for_overlaps(state: Session, ended: Sequence[dict[str, Any]]) -> None:
    """What was measured tells less where the questions stand ready in the prompt or the corpus.

    Where they cannot be looked for that is told; the measurement stands, and policy finds the look missing.
    """
    measured = [run for run in ended if run["subject_kind"] == Kind.AGENT and run["origin"] == "measured"]
    try:
        look(state, sorted({(run["subject"], run["dataset"]) for run in measured}))
    except SekishoError as error:
        state.show_error(error)


def _follow(state: Session, client: Evaluation, started: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Wait for every run, one bar each on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), Left())
    with Progress(*columns, console=state.errors, disable=state.as_json) as bars:
        names = {run["id"]: f"{run['subject_name']} by {run['suite_name']}" for run in started}
        tasks = {run["id"]: bars.add_task(names[run["id"]], total=run["planned"], start=False) for run in started}
        unclaimed = Unclaimed(bars.print)

        def seen(found: dict[str, Any]) -> None:
            task = tasks[found["id"]]
            unclaimed.look(found)
            if found["state"] != "queued":
                bars.start_task(task)
            rate, left = found.get("per_second"), found.get("seconds_left")
            bars.update(task, completed=found["done"], per_second=rate, seconds_left=left)

        return [client.wait(run["id"], seen) for run in started]


commands: list[click.Command] = [evaluate, run, compare, suite, scorers]
