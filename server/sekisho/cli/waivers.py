"""Commands of waivers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sekisho.cli.gate import LOCK
from sekisho.cli.session import Session, session
from sekisho.client.gate import Gate


@click.command()
@click.argument("reference")
@click.option("--to", "stage", required=True, help="The stage at which the rule is waived.")
@click.option("--rule", required=True, help="The rule, such as DOC-01; policy says which may be waived.")
@click.option("--reason", required=True, help="Why; it is kept with the waiver.")
@click.option("--days", required=True, type=int, help="After how many days the waiver ends, 30 at most.")
@LOCK
@session
def waive(state: Session, reference: str, stage: str, rule: str, reason: str, days: int, lock_file: Path) -> None:
    """Except a version from one rule at a stage for some days, as a person who had no hand in the change.

    REFERENCE without a selector means the digest in sekisho.lock.
    """
    subject = state.pinned(reference, lock_file)
    granted = _gate(state).waive(subject, stage, rule, reason=reason, days=days)
    state.show(granted, f"waived: {_line(granted)}")


@click.group()
def waiver() -> None:
    """Waivers: exceptions for one rule, one version and one stage."""


@waiver.command("list")
@click.argument("reference", required=False)
@click.option("--stage", help="Only waivers at this stage.")
@session
def list_waivers(state: Session, reference: str | None, stage: str | None) -> None:
    """Waivers of the version REFERENCE, or all, newest first, standing or not."""
    found = _gate(state).waivers(reference, stage)
    lines = [f"{item['id']}  {item['state']:<9} {_line(item)}" for item in found]
    state.show(found, "\n".join(lines) or "no waiver")


@waiver.command("withdraw")
@click.argument("waiver_id", metavar="ID")
@session
def withdraw(state: Session, waiver_id: str) -> None:
    """End the waiver ID before its time. What it let pass is judged again at the end that was set."""
    done = _gate(state).withdraw_waiver(waiver_id)
    state.show(done, f"withdrawn by {done['withdrawn_by']}: {_line(done)}")


def _gate(state: Session) -> Gate:
    return Gate(state.connection, state.project)


def _line(item: dict[str, Any]) -> str:
    until = datetime.fromtimestamp(item["expires_at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    what = f"{item['rule']} for {item['subject']}@v{item['number']} at {item['stage']}"
    return f"{what} by {item['principal']} until {until}: {item['reason']}"


commands: list[click.Command] = [waive, waiver]
