"""`sekisho policy replay`: past decisions before another policy."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sekisho.cli.session import Session, session
from sekisho.client.gate import Gate
from sekisho.evaluation.reports.neutral import terminal
from sekisho.gate.policies import PolicySet, load_policies
from sekisho.gate.replay import Past, Summary, Turn, replay_all
from sekisho.gate.types import Outcome
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.digests import short
from sekisho.kernel.settings import Settings

_SHOWN = 50
AHEAD = 4
"""Inputs that are fetched for each engine, so that none waits for the next."""


@click.command()
@click.option(
    "--policies",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="The policy to try.",
)
@click.option("--since", type=click.DateTime(), help="Only decisions from this time on (UTC).  [default: all]")
@click.option("--stage", help="Only decisions about this stage.")
@click.option("--limit", type=click.IntRange(min=1), default=10_000, show_default=True, help="How many, newest first.")
@click.option("--accept", metavar="REASON", help="Why denials may become allows; it stands in the result.")
@session
def replay(
    state: Session, folder: Path, since: datetime | None, stage: str | None, limit: int, accept: str | None
) -> None:
    """Judge the inputs of past decisions by another policy, and list what would come out otherwise, by rule.

    Nothing is kept and nothing moves. Exit code 0 no denial becomes an allow, or --accept says why; 1 one does; 4 some
    could not be judged.
    """
    policies = load_policies(folder)
    from_ms = 0 if since is None else epoch_ms(since.replace(tzinfo=since.tzinfo or UTC))
    began = time.monotonic()
    door = Gate(state.connection, state.project)
    with Progress(*_columns(), console=state.errors, disable=state.as_json, transient=True) as bars:
        decided = list(_decided(door, from_ms, stage, limit))
        summary = asyncio.run(_judged(state.settings, policies, _watched(bars, _pasts(door, decided), len(decided))))
    rate = summary.seen / max(time.monotonic() - began, 1e-9)
    found = {"policy": policies.digest, "accepted": accept, "per_second": round(rate), **summary.as_json()}
    state.show(found, _told(summary, policies.digest, rate, accept))
    sys.exit(summary.exit_code(accept))


def _decided(gate: Gate, from_ms: int, stage: str | None, limit: int) -> Iterator[Past]:
    """The decisions asked for without their inputs: once listed, they say how much there is to do."""
    for count, decision in enumerate(gate.decisions(stage=stage)):
        if count == limit or decision["decided_at"] < from_ms:
            return
        yield Past(
            id=decision["id"],
            subject=f"{decision['subject']}@v{decision['number']}",
            stage=decision["stage"],
            outcome=Outcome(decision["outcome"]),
            blocking=tuple(decision["blocking"]),
            document={},
        )


def _pasts(gate: Gate, decided: Iterable[Past]) -> Iterator[Past]:
    for past in decided:
        yield replace(past, document=gate.gate_input(past.id))


def _columns() -> tuple[ProgressColumn, ...]:
    rate = TextColumn("decisions, {task.fields[rate]:,.0f} per second")
    return BarColumn(), MofNCompleteColumn(), rate, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()


def _watched(bars: Progress, pasts: Iterable[Past], total: int) -> Iterator[Past]:
    task = bars.add_task("", total=total, rate=0.0)
    began = time.monotonic()
    for count, past in enumerate(pasts, 1):
        yield past
        bars.update(task, completed=count, rate=count / max(time.monotonic() - began, 1e-9))


async def _judged(settings: Settings, policies: PolicySet, pasts: Iterable[Past]) -> Summary:
    from sekisho.gate.engines.regorus_engine import RegorusEngine
    from sekisho.gate.engines.several import several
    from sekisho.gate.judge import Judge

    engine = several(lambda: RegorusEngine(policies, settings.policy_timeout_ms))
    try:
        await engine.check()
        return await replay_all(pasts, Judge(engine), at_once=AHEAD * len(engine.engines))
    finally:
        await engine.close()


def _told(summary: Summary, digest: str, rate: float, accept: str | None) -> str:
    lines = [f"{summary.seen} decisions under policy {short(digest)}, {rate:,.0f} per second"]
    lines += [f"  {turn.value}: {summary.turns[turn]}" for turn in Turn if summary.turns[turn]]
    for rule, turned in sorted(summary.rules.items()):
        lines.append(f"  {rule}: {turned[Turn.LOOSENED]} deny to allow, {turned[Turn.TIGHTENED]} allow to deny")
    for one in summary.listed[:_SHOWN]:
        why = one.reason or " ".join(one.rules)
        lines.append(f"    {one.turn.value}  {one.past.id}  {one.past.subject} to {one.past.stage}  {why}".rstrip())
    if len(summary.listed) > _SHOWN:
        lines.append("    and more: --json lists them")
    if summary.turns[Turn.LOOSENED]:
        lines.append(f"accepted: {accept}" if accept else "denials would become allows: --accept says why they may")
    return terminal("\n".join(lines))
