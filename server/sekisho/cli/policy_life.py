"""`sekisho policy publish` and what follows it: activating by two owners, and judging alongside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from sekisho.cli.policy_folders import FOLDER, policy_folder, write_policy
from sekisho.cli.session import Session, session
from sekisho.client.policies import Judged, Policies
from sekisho.evaluation.reports.neutral import terminal
from sekisho.gate.governing.difference import changed_places
from sekisho.gate.policies import load_policies
from sekisho.kernel.digests import short
from sekisho.kernel.trees import tree

_SHOWN = 50


@click.command()
@FOLDER
@session
def lint(state: Session, folder: Path | None) -> None:
    """Whether a policy may be published: packages, rule ids, dialect, data; and it is tried on an empty input.

    Built-in rules must be those of the installed Sekisho, byte for byte. Exit code 0 it may, 1 not.
    """
    from sekisho.gate.governing.linting import faults_of
    from sekisho.gate.governing.trial import tried

    policies = load_policies(policy_folder(state.settings, folder))
    faults = [f"{fault.path}: {fault.message}" for fault in faults_of(policies, load_policies(tree("policies")))]
    if not faults:
        faults = list(asyncio.run(tried(policies)).faults)
    found = {"digest": policies.digest, "faults": faults}
    state.show(found, terminal("\n".join(faults)) if faults else f"{policies.digest} may be published")
    if faults:
        raise SystemExit(1)


@click.command()
@FOLDER
@click.argument("name")
@click.option("--message", default="", help="What is new in it; it is kept with the version.")
@session
def publish(state: Session, folder: Path | None, name: str, message: str) -> None:
    """Publish a policy folder under NAME, or as exactly NAME@v3. It is kept for good and decides nothing yet.

    The same rules and data are the same version. Takes the role policy_owner, everywhere.
    """
    policies = load_policies(policy_folder(state.settings, folder))
    done = _policies(state).publish(name, policies.content, message)
    how = "published" if done["new"] else "known already"
    state.show(done, f"{done['policy']}: {how}, policy {done['digest']}")


@click.command("list")
@click.argument("name", required=False)
@session
def list_policies(state: Session, name: str | None) -> None:
    """Published policies, or the versions of NAME."""
    found = _policies(state).all(name)
    lines = [
        f"{item['policy']:<24} {short(item['digest'])}  {_when(item['published_at'])} by {item['published_by']}"
        f"  {item['message']}".rstrip()
        for item in found
    ]
    state.show(found, terminal("\n".join(lines)) or "nothing is published")


@click.command()
@click.argument("policy")
@click.option("--out", type=click.Path(path_type=Path), help="Write it to this new folder.")
@session
def show(state: Session, policy: str, out: Path | None) -> None:
    """Show the published POLICY (NAME@v3, or the newest of NAME), or write it to a folder."""
    found = _policies(state).one(policy)
    content = found["content"]
    if out is not None:
        write_policy(out, content)
    files = [*sorted(content["files"]), *sorted(content["tests"])]
    lines = [f"{found['policy']}: policy {found['digest']}", *(f"  {path}" for path in files)]
    state.show(found, terminal("\n".join(lines)))


@click.command()
@click.argument("before")
@click.argument("after")
@session
def diff(state: Session, before: str, after: str) -> None:
    """In what the published policy AFTER differs from BEFORE: rules, severities, every stage's parameters, files."""
    found = _policies(state).difference(before, after)
    state.show(found, terminal("\n".join(changed_places(found))) or "they are the same")


@click.command()
@click.argument("policy")
@click.option("--reason", help="Why it is to be in force; it is kept.")
@click.option("--accept", metavar="REASON", help="Why denials may become allows, where some would.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and propose nothing.")
@session
def activate(state: Session, policy: str, reason: str | None, accept: str | None, dry_run: bool) -> None:
    """Propose that the published POLICY be in force, and show what the last 100 decisions would be under it.

    A second policy owner approves the proposal by the digest of that report. Rolling back is activating a former one.
    """
    policies = _policies(state)
    if dry_run:
        with _watching(state) as judged:
            report = policies.flips(policy, judged)
        state.show(report, terminal("\n".join(_report(report))))
        return
    if not reason:
        raise click.UsageError("say why with --reason, or look at it first with --dry-run")
    with _watching(state) as judged:
        done = policies.propose(policy, reason=reason, accept=accept, judged=judged)
    then = f"a second owner: sekisho policy approve {done['id']} --report {done['report_digest']}"
    state.show(done, terminal("\n".join([*_report(done["report"]), f"proposed as {done['id']}; {then}"])))


@click.command()
@click.argument("proposal", metavar="ID")
@session
def proposal(state: Session, proposal: str) -> None:
    """Show the proposal or activation ID with the report that both owners look at."""
    found = _policies(state).activation(proposal)
    lines = [_line(found), f"  reason: {found['reason']}", f"  report: {found['report_digest']}"]
    if "accepted" in found:
        lines.append(f"  denials may become allows: {found['accepted']}")
    state.show(found, terminal("\n".join([*lines, *(_report(found["report"]) if found["report"] else [])])))


@click.command()
@click.argument("proposal", metavar="ID")
@click.option("--report", required=True, help="Digest of the report that you saw: `sekisho policy proposal ID`.")
@session
def approve(state: Session, proposal: str, report: str) -> None:
    """Put the proposed policy ID in force, as a second policy owner. Every process decides by it from then on."""
    done = _policies(state).approve(proposal, report)
    state.show(done, f"{done['policy']} is in force: policy {done['digest']}")


@click.command()
@click.argument("proposal", metavar="ID")
@session
def withdraw(state: Session, proposal: str) -> None:
    """Take back the proposal ID."""
    done = _policies(state).withdraw(proposal)
    state.show(done, f"withdrawn: {done['policy']}")


@click.command()
@session
def activations(state: Session) -> None:
    """Proposals and activations, newest first."""
    found = _policies(state).activations()
    state.show(found, terminal("\n".join(map(_line, found["items"]))))


@click.group()
def shadow() -> None:
    """A published policy that judges every decision alongside and decides nothing."""


@shadow.command()
@click.argument("policy")
@session
def start(state: Session, policy: str) -> None:
    """Have the published POLICY judge alongside from now on, in the place of the shadow so far."""
    done = _policies(state).start_shadow(policy)
    state.show(done, f"{done['policy']} judges alongside")


@shadow.command()
@session
def stop(state: Session) -> None:
    """Stop it. What it found stays."""
    done = _policies(state).stop_shadow()
    state.show(done, f"{done['policy']} no longer judges alongside")


@shadow.command("report")
@click.option("--shadow", help="The shadow of this id.  [default: the newest]")
@session
def shadow_report(state: Session, shadow: str | None) -> None:
    """How often the shadow agreed with the decisions of its time, what it would have turned, and at what rate."""
    found = _policies(state).shadow_report(shadow)
    state.show(found, terminal("\n".join(_shadow_lines(found))))


@contextmanager
def _watching(state: Session) -> Iterator[Judged]:
    """A line that says how far the last decisions are judged, while they are."""
    with Progress(
        TextColumn("{task.completed:.0f} of {task.total:.0f} decisions judged"),
        TimeElapsedColumn(),
        console=state.errors,
        disable=state.as_json,
        transient=True,
    ) as bars:
        task = bars.add_task("", total=0)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _policies(state: Session) -> Policies:
    return Policies(state.connection)


def _report(report: dict[str, Any]) -> list[str]:
    turns = [f"  {turn}: {count}" for turn, count in report["turns"].items() if count]
    flips = [
        f"    {one['turn']}  {one['decision']}  {one['subject']} to {one['stage']}  "
        f"{one.get('reason') or ' '.join(one['rules'])}".rstrip()
        for one in report["listed"][:_SHOWN]
    ]
    changes = [f"  {line}" for line in changed_places(report["difference"])]
    return [f"the last {report['decisions']} decisions:", *turns, *flips, "what changes:", *changes]


def _shadow_lines(found: dict[str, Any]) -> list[str]:
    agreed = f"{found['agreement_bp'] / 100:.2f} %" if "agreement_bp" in found else "nothing to compare yet"
    rate = f"{found['per_day']} a day, {found['slowest_ms']} ms at most"
    lines = [
        f"{found['policy']}: judged {found['judged']} of {found['decisions']} decisions, {rate}",
        f"  agreement: {agreed}",
        *(f"  {turn}: {count}" for turn, count in found["turns"].items() if count),
    ]
    return lines + [
        f"    {one['turn']}  {one['decision']}  {one['subject']} to {one['stage']}  "
        f"{one.get('error') or ' '.join(one['blocking'])}".rstrip()
        for one in found["flips"][:_SHOWN]
    ]


def _line(item: dict[str, Any]) -> str:
    by = f"proposed by {item['proposed_by']} {_when(item['proposed_at'])}"
    approved = f", approved by {item['approved_by']}" if "approved_by" in item else ""
    return f"{item['id']}  {item['state']:<9}  {item['policy']:<20} {by}{approved}"


def _when(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


life: list[click.Command] = [
    lint, publish, list_policies, show, diff, activate, proposal, approve, withdraw, activations, shadow,
]  # fmt: skip
