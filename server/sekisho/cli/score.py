"""`sekisho score`: rows of a file scored here, without a server."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import click
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sekisho.cli.session import Session, session
from sekisho.evaluation.rows import read_row
from sekisho.evaluation.scoring import Scoring, Tally, make_scoring
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json

MAX_LINE: Final = 64 << 20
MAX_NAMED: Final = 20
INCONCLUSIVE: Final = 3
_SHOWN_EVERY: Final = 20
_STANDARD: Final = "-"


class RowRate(ProgressColumn):
    """Rows, and rows per second; the bar itself counts bytes, so that a file's rows need not be counted first."""

    def render(self, task: Task) -> Text:
        rows, elapsed = task.fields["rows"], task.elapsed or 0
        return Text(f"{rows:,} rows, {rows / elapsed:,.0f}/s" if elapsed else "")


@dataclass
class Reading:
    """The lines of a file one by one: how far it is, and what was wrong."""

    source: IO[bytes]
    number: int = 0
    read: int = 0
    wrong: list[FieldError] = field(default_factory=list)
    bad: int = 0

    def lines(self) -> Iterator[bytes | None]:
        """Each line that is not blank; None for one that is too long to be a row."""
        while line := self.source.readline(MAX_LINE):
            self.number += 1
            self.read += len(line)
            whole = line.endswith(b"\n") or len(line) < MAX_LINE
            if not whole:
                self._skip()
            if line.strip():
                yield line if whole else None

    def refuse(self, error: FieldError) -> None:
        self.bad += 1
        if len(self.wrong) < MAX_NAMED:
            self.wrong.append(error)

    def _skip(self) -> None:
        while (rest := self.source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            self.read += len(rest)


@click.command()
@click.argument("file")
@click.option("--scorer", "scorers", multiple=True, help="Scorer; may be given again.  [default: grounding]")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Parameter for every scorer that takes it, or recall.k=5 for one. VALUE is JSON, else text; @FILE reads it.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the scored rows here, whole.")
@click.option("--keep-going", is_flag=True, help="Leave bad rows out and count them, instead of stopping.")
@session
def score(
    state: Session, file: str, scorers: tuple[str, ...], params: tuple[str, ...], out: Path | None, keep_going: bool
) -> None:
    """Score the rows of FILE (JSON Lines; - is standard input), without a server.

    A row holds context (text, a list of passages, or an object), response or answer, and where a scorer reads them
    question, expected, gold, retrieved, qrels. The scored rows go to --out or to standard output, one a line, in order;
    nothing is written where a row is bad. Exit code 2 names the bad lines; 3 where nothing could be scored.
    """
    scoring = make_scoring(scorers or ("grounding",), dict(_param(text) for text in params))
    _refuse_overwriting(file, out)
    tally = Tally()
    with _opened(file) as (source, size), _target(out, streamed=keep_going) as target:
        reading = Reading(source)
        _score(state, reading, size, scoring, tally, target, keep_going=keep_going)
        _refuse_bad(reading, tally, keep_going=keep_going)
    summary = tally.summary()
    if out is None:
        state.say(_table(summary, reading.wrong))
    else:
        state.show(summary, _table(summary, reading.wrong))
    sys.exit(INCONCLUSIVE if not tally.scored else 0)


def _score(
    state: Session,
    reading: Reading,
    size: int | None,
    scoring: Scoring,
    tally: Tally,
    target: IO[bytes],
    *,
    keep_going: bool,
) -> None:
    """Every line in turn. After a bad one, unless told to keep going, the others are checked and not written."""
    columns = (TextColumn("{task.description}"), BarColumn(), RowRate(), TimeRemainingColumn())
    with Progress(*columns, console=state.errors, disable=state.as_json) as bars:
        bar = bars.add_task("scoring", total=size, rows=0)
        for line in reading.lines():
            scored = _scored(reading, line, scoring if keep_going or not reading.bad else None)
            if scored is not None:
                target.write(json.dumps(scored, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
                tally.add(scored)
            if reading.number % _SHOWN_EVERY == 0:
                bars.update(bar, completed=reading.read, rows=tally.rows)
        bars.update(bar, completed=reading.read, rows=tally.rows)
    tally.bad = reading.bad


def _scored(reading: Reading, line: bytes | None, scoring: Scoring | None) -> dict[str, Any] | None:
    """The scored row; None where it is bad, or where it is only to be checked."""
    place = f"line {reading.number}"
    if line is None:
        reading.refuse(FieldError(place, f"longer than {MAX_LINE >> 20} MiB"))
        return None
    try:
        raw = decode_json(line)
        if scoring is not None:
            return scoring.row(raw, reading.number)
        read_row(raw)
    except Invalid as error:
        told = "; ".join(f"{item.path}: {item.message}" for item in error.fields) or error.detail
        reading.refuse(FieldError(place, told))
    return None


def _refuse_bad(reading: Reading, tally: Tally, *, keep_going: bool) -> None:
    more = f", of {reading.bad} bad lines the first {MAX_NAMED}" if reading.bad > len(reading.wrong) else ""
    if reading.bad and not (keep_going and tally.rows):
        raise Invalid(
            f"nothing was written{more}",
            fields=reading.wrong,
            remedy="mend the lines named, or leave them out with --keep-going",
        )
    if not tally.rows:
        raise Invalid("the file holds no row", remedy="give JSON Lines, one object a line")


def _param(text: str) -> tuple[str, Any]:
    name, given, value = text.partition("=")
    if not given or not name:
        raise Invalid("a parameter cannot be read", fields=[FieldError(f"--param {text}", "write NAME=VALUE")])
    if value.startswith("@"):
        try:
            value = Path(value[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid("a parameter cannot be read", fields=[FieldError(f"--param {name}", str(error))]) from error
    try:
        return name, decode_json(value.encode("utf-8", "replace"))
    except Invalid:
        return name, value


def _refuse_overwriting(file: str, out: Path | None) -> None:
    if out is not None and file != _STANDARD and out.exists() and out.samefile(file):
        raise Invalid("--out is the file that is read", remedy="write to another file")


@contextmanager
def _opened(file: str) -> Iterator[tuple[IO[bytes], int | None]]:
    """The file and its size in bytes, where it is known."""
    if file == _STANDARD:
        yield sys.stdin.buffer, None
        return
    try:
        source = open(file, "rb")  # noqa: SIM115  # closed below; only the opening may fail this way
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error
    with source:
        yield source, os.fstat(source.fileno()).st_size


@contextmanager
def _target(out: Path | None, *, streamed: bool) -> Iterator[IO[bytes]]:
    """Where scored rows go: kept aside and shown whole at the end; streamed where no row can stop the rest."""
    standard = sys.stdout.buffer
    if out is not None and (out.is_file() or not out.exists()):
        with _replacing(out.resolve()) as written:
            yield written
    elif out is not None:
        with open(out, "wb") as device:
            yield device
    elif streamed:
        yield standard
        standard.flush()
    else:
        with tempfile.TemporaryFile() as kept:
            yield kept
            kept.seek(0)
            shutil.copyfileobj(kept, standard)
            standard.flush()


@contextmanager
def _replacing(out: Path) -> Iterator[IO[bytes]]:
    """A new file beside `out` that takes its name when all went well, and is gone when not."""
    beside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with open(beside, "xb") as written:
            yield written
        beside.replace(out)
    except OSError as error:
        raise Invalid(f"{out} cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def _table(summary: dict[str, Any], wrong: Sequence[FieldError]) -> Table:
    bad = f", {summary['bad']} bad left out ({escape(_listed(wrong))})" if summary["bad"] else ""
    table = Table("metric", "scored", "mean", "not scored", "why", title=f"{summary['rows']} rows{bad}")
    for name, metric in summary["metrics"].items():
        why = "; ".join(f"{reason} ({n})" for reason, n in metric.get("reasons", {}).items())
        mean = f"{metric['mean']:.4g}" if "mean" in metric else "-"
        table.add_row(escape(name), str(metric["n"]), mean, str(metric["unscored"]), escape(why))
    return table


def _listed(wrong: Sequence[FieldError]) -> str:
    return ", ".join(error.path for error in wrong[:5]) + (", …" if len(wrong) > 5 else "")


commands: list[click.Command] = [score]
