"""Decisions to a file or to standard output, in the format asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from sekisho.cli.session import Session
from sekisho.evaluation.reports import neutral
from sekisho.gate.explaining.formats import Format, rendered
from sekisho.gate.explaining.text import explain_text
from sekisho.kernel.clock import from_epoch_ms, iso
from sekisho.kernel.errors import Invalid


def telling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options with which a command tells a decision."""
    form = click.option(
        "--format",
        "form",
        type=click.Choice([form.value for form in Format]),
        help="Tell the decision in this format: for a test report, code scanning, a build log, a pull request.",
    )
    out = click.option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        help="File for it; the words then still go to standard output.",
    )
    return form(out(command))


def tell(
    state: Session,
    value: Any,
    decision: Mapping[str, Any],
    form: str | None,
    out: Path | None,
    *,
    every_rule: bool = False,
    note: str = "",
) -> None:
    """Show the decision. `value` is what ``--json`` prints, `note` a remark under the words.

    Raises `Invalid` where the file cannot be written, or is named without a format.
    """
    if out is not None:
        if form is None:
            raise click.UsageError("--out needs --format")
        _write(out, rendered(decision, Format(form), every_rule=every_rule))
    elif form is not None:
        sys.stdout.write(rendered(decision, Format(form), every_rule=every_rule))
        return
    state.show(value, explain_text(decision, every_rule=every_rule) + note)


def until_of(decision: Mapping[str, Any]) -> str:
    """Of what stands by break-glass until when it does, and why; else nothing."""
    found = decision.get("override")
    if not found:
        return ""
    reason = neutral.terminal(found["reason"]).replace("\n", " ")
    return f"  BREAK-GLASS until {iso(from_epoch_ms(found['until']))}: {reason}"


def _write(out: Path, content: str) -> None:
    try:
        out.write_text(content, "utf-8")
    except OSError as error:
        raise Invalid(f"the decision cannot be written to {out}: {error.strerror}") from error
