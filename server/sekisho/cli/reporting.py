"""Reports to a file or to standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sekisho.client.evaluation import Evaluation
from sekisho.evaluation.reports.neutral import json_text
from sekisho.kernel.errors import Invalid

FORMATS = ("json", "junit", "markdown", "html")


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options with which a command writes a report."""
    for option in reversed(
        (
            click.option("--format", "form", type=click.Choice(FORMATS), help="Write the report in this format."),
            click.option(
                "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to; default: standard output."
            ),
            click.option(
                "--lang", type=click.Choice(["en", "ja"]), default="en", show_default=True, help="Words of the HTML."
            ),
            click.option(
                "--max-cases",
                type=click.IntRange(0, 500),
                help="Cases shown. [default: 50; junit: all]",
            ),
            click.option("--docs", help="Address of statistics.md, for the links of numbers."),
        )
    ):
        command = option(command)
    return command


def show_json(value: Any) -> None:
    """JSON on standard output in which no character acts on a terminal or a build log."""
    sys.stdout.write(json_text(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


def write_report(
    client: Evaluation,
    run_id: str,
    form: str,
    out: Path | None,
    *,
    lang: str,
    max_cases: int | None,
    docs: str | None,
    baseline: str | None = None,
) -> None:
    """The report as the server makes it, byte for byte. Raises `Invalid` where the file cannot be written."""
    content = client.stream_report(run_id, form, lang=lang, cases=max_cases, docs=docs, baseline=baseline)
    if out is None:
        sys.stdout.buffer.writelines(content)
        sys.stdout.buffer.flush()
        return
    first = next(content, b"")  # what is refused is told before a file is begun
    try:
        with out.open("wb") as file:
            file.write(first)
            file.writelines(content)
    except OSError as error:
        raise Invalid(f"the report cannot be written to {out}: {error.strerror}") from error
