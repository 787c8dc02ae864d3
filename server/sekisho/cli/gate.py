"""Commands of the gate: promote, approve, roll back, ask without moving, explain."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from sekisho.cli.session import Session, session
from sekisho.cli.telling import tell, telling_options, until_of
from sekisho.kernel.digests import digest_of, short
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.references import Kind

LOCK = click.option(
    "--lock",
    "lock_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sekisho.lock"),
    show_default=True,
    help="Where references without a selector are looked up.",
)
KEY = click.option(
    "--idempotency-key", envvar="SEKISHO_IDEMPOTENCY_KEY", help="Repeat a request under the same key without harm."
)


@click.command()
@click.argument("reference", required=False)
@click.option("--to", "stage", required=True, help="Target stage, such as staging or production.")
@click.option("--dry-run", is_flag=True, help="Decide, but keep and move nothing.")
@click.option("--with-dependencies", is_flag=True, help="Move everything that it is made from too, all or nothing.")
@click.option("--break-glass", is_flag=True, help="Set a denial aside for some hours; takes the role breakglass.")
@click.option("--reason", help="Of break-glass: why; it is kept with the decision and told wherever it serves.")
@click.option("--hours", type=int, help="Of break-glass: for how long, 24 at most; then policy judges again.")
@click.option("--explain", "every_rule", is_flag=True, help="List the rules that passed too.")
@LOCK
@KEY
@telling_options
@session
def promote(
    state: Session,
    reference: str | None,
    stage: str,
    dry_run: bool,
    with_dependencies: bool,
    break_glass: bool,
    reason: str | None,
    hours: int | None,
    every_rule: bool,
    lock_file: Path,
    idempotency_key: str | None,
    form: str | None,
    out: Path | None,
) -> None:
    """Ask for a version to be moved to a stage.

    REFERENCE without a selector means the digest in sekisho.lock; left out, the lock's only agent is meant.
    Exit code 0 allowed or overridden, 1 a rule failed, 3 only evidence is missing or inconclusive, 4 no verdict.
    """
    glass = broken(break_glass, reason, hours)
    body = {"subject": _subject(state, reference, lock_file), "stage": stage, "dry_run": dry_run, **glass}
    body |= {"with_dependencies": True} if with_dependencies else {}
    _ask(state, "/promotions", body, idempotency_key, form, out, every_rule=every_rule)


@click.command("gate")
@click.argument("reference", required=False)
@click.option("--to", "stage", required=True, help="Target stage, such as staging or production.")
@click.option("--explain", "every_rule", is_flag=True, help="List the rules that passed too.")
@LOCK
@telling_options
@session
def gate_check(
    state: Session,
    reference: str | None,
    stage: str,
    every_rule: bool,
    lock_file: Path,
    form: str | None,
    out: Path | None,
) -> None:
    """Ask, as a CI job does, whether a version would be let through; nothing is kept and nothing moves.

    REFERENCE and the exit codes are as of `promote`.
    """
    body = {"subject": _subject(state, reference, lock_file), "stage": stage, "dry_run": True}
    _ask(state, "/promotions", body, None, form, out, every_rule=every_rule)


@click.command()
@click.argument("reference")
@click.option("--at", "stage", required=True, help="The stage that is to return to REFERENCE.")
@click.option("--dry-run", is_flag=True, help="Decide, but keep and move nothing.")
@KEY
@telling_options
@session
def rollback(
    state: Session,
    reference: str,
    stage: str,
    dry_run: bool,
    idempotency_key: str | None,
    form: str | None,
    out: Path | None,
) -> None:
    """Ask for a stage to return to the version REFERENCE, which was formerly allowed there."""
    body = {"subject": reference, "stage": stage, "dry_run": dry_run}
    _ask(state, "/rollbacks", body, idempotency_key, form, out, every_rule=False)


@click.command()
@click.argument("reference", required=False)
@click.option("--to", "stage", required=True, help="Target stage of the promotion that is approved.")
@click.option("--evidence", "evidence_hash", help="Evidence hash that you looked at; without it, the one standing now.")
@LOCK
@session
def approve(state: Session, reference: str | None, stage: str, evidence_hash: str | None, lock_file: Path) -> None:
    """Say yes, as a second person, to a version for a stage on the evidence as it stands."""
    subject = _subject(state, reference, lock_file)
    if evidence_hash is None:
        evidence_hash = state.connection.get(state.path("/evidence"), subject=subject, stage=stage)["hash"]
    body = {"subject": subject, "stage": stage, "evidence_hash": evidence_hash}
    given = state.connection.post(state.path("/approvals"), body)
    text = (
        f"approved: {given['subject']} {short(given['digest'])} for {given['stage']}, by {given['principal']}, "
        f"on evidence {short(given['evidence_hash'])}; it lapses when any of these changes"
    )
    state.show(given, text)


@click.command()
@click.argument("decision")
@click.option("--all", "every_rule", is_flag=True, help="List the rules that passed too.")
@telling_options
@session
def explain(state: Session, decision: str, every_rule: bool, form: str | None, out: Path | None) -> None:
    """Why a promotion was answered as it was, and how to mend it. DECISION is a decision's id."""
    found = state.connection.get(state.path(f"/decisions/{decision}"))
    tell(state, found, found, form, out, every_rule=every_rule)


@click.command()
@click.argument("decision")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
@session
def attestation(state: Session, decision: str, out: Path) -> None:
    """Keep a decision's signed attestation in a file, for `sekisho verify`."""
    found = state.connection.get(state.path(f"/decisions/{decision}/attestation"))
    partial = out.with_name(out.name + ".partial")
    partial.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", "utf-8")
    os.replace(partial, out)
    state.show({"file": str(out), "decision": decision}, f"attestation of decision {decision} written to {out}")


@click.command()
@click.option("--stage", help="Only decisions about this stage.")
@click.option("--name", help="Only decisions about this artifact's name.")
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
@session
def decisions(state: Session, stage: str | None, name: str | None, limit: int) -> None:
    """The gate's decisions, newest first."""
    found = state.connection.get(state.path("/decisions"), stage=stage, name=name, limit=limit)
    lines = [
        f"{item['id']}  {item['outcome']:<8} {item['subject']}@v{item['number']} to {item['stage']}  "
        f"{' '.join(item['blocking'])}{until_of(item)}"
        for item in found["items"]
    ]
    state.show(found, "\n".join(lines) or "no decision yet")


def broken(break_glass: bool, reason: str | None, hours: int | None) -> dict[str, Any]:
    """What the request says of break-glass; the three options go together."""
    if not break_glass and reason is None and hours is None:
        return {}
    if not break_glass or reason is None or hours is None:
        given = {"--break-glass": break_glass, "--reason": reason is not None, "--hours": hours is not None}
        missing = [FieldError(name, "required with the others") for name, there in given.items() if not there]
        raise Invalid("break-glass takes three options", fields=missing, remedy="--break-glass --reason TEXT --hours N")
    return {"break_glass": {"reason": reason, "hours": hours}}


def _ask(
    state: Session,
    tail: str,
    body: dict[str, Any],
    key: str | None,
    form: str | None,
    out: Path | None,
    *,
    every_rule: bool,
) -> None:
    # One key for a whole CI job serves each of its requests: what is asked for becomes part of it.
    own = f"{key}:{short(digest_of([tail, body]))}" if key else None
    answer = state.connection.post(state.path(tail), body, idempotency_key=own)
    decision = answer["decision"]
    note = "\nnothing was kept or moved: this was a dry run" if answer["dry_run"] else ""
    if beyond := answer.get("beyond_override"):
        note = f"\nno break-glass sets aside {', '.join(beyond)}{note}"
    tell(state, answer, decision, form, out, every_rule=every_rule, note=note)
    click.get_current_context().exit(decision["exit_code"])


def _subject(state: Session, reference: str | None, lock_file: Path) -> str:
    """What is asked about: the reference, pinned; left out, the lock's only agent."""
    if reference is not None:
        return state.pinned(reference, lock_file)
    agents = state.locked(lock_file, Kind.AGENT)
    if len(agents) != 1:
        raise Invalid(
            f"{lock_file} holds {len(agents)} agents",
            remedy="say which one: sekisho promote agent/<name> --to <stage>",
        )
    return agents[0]


commands: list[click.Command] = [promote, gate_check, rollback, approve, explain, attestation, decisions]
