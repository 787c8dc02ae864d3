"""Commands for the ledger, and the offline proof of a decision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sekisho.cli.extras import require_extra
from sekisho.cli.session import Session, session
from sekisho.client.ledger import Ledger
from sekisho.kernel.clock import from_epoch_ms, iso
from sekisho.kernel.errors import IntegrityFailed, SekishoError
from sekisho.ledger.keeping import keep_checkpoint

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SEVERAL = "Give it several times where the key was replaced: each signature must be by one of them."


@click.group()
def ledger() -> None:
    """The append-only log of every change and decision."""


@ledger.command("entries")
@click.option("--kind", help="Only this kind, such as decision.made or role.granted.")
@click.option("--subject", help="Only what is about this digest, name or id.")
@click.option("--all-projects", is_flag=True, help="Of every project that you may read.")
@click.option("--oldest", is_flag=True, help="From the beginning instead of from the end.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@session
def entries(
    state: Session, kind: str | None, subject: str | None, all_projects: bool, oldest: bool, limit: int
) -> None:
    """List entries."""
    page = Ledger(state.connection).entries(
        limit=limit,
        project=None if all_projects else state.project,
        kind=kind,
        subject=subject,
        order="oldest" if oldest else "newest",
    )
    lines = [
        f"{item['seq']:>6}  {iso(from_epoch_ms(item['time']))}  {item['kind']}  {item['project']}  "
        f"{item['principal']}  {item['subject'] or ''}".rstrip()
        for item in page["items"]
    ]
    state.show(page, "\n".join(lines) or "no entry")


@ledger.command("checkpoint")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Add it to this file, where it is new.")
@session
@click.pass_context
def checkpoint(ctx: click.Context, state: Session, out: Path | None) -> None:
    """The log's signed size and root. Keep it, and later hold the log to it with `ledger verify --since`.

    With --out, a file of one checkpoint a line grows by each call; commit it to a repository that the server's owner
    cannot rewrite. Exit code 1 where the log is shorter than the file says, or another.
    """
    found = Ledger(state.connection).checkpoint()
    try:
        if out is not None:
            keep_checkpoint(out, found)
    except IntegrityFailed as error:
        state.show_error(error)
        ctx.exit(1)
    text = f"{found['origin']}\nsize {found['size']}\nroot {found['root']}\ntime {iso(from_epoch_ms(found['time']))}"
    state.show(found, text)


@ledger.command("pushes")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@session
def pushes(state: Session, limit: int) -> None:
    """Where the worker pushed checkpoints, newest first. Exit code 1 where a target's last push failed or never was.

    A pushed file, the file in a pushed git repository, and what a webhook received are what `ledger verify --since`
    takes.
    """
    found = Ledger(state.connection).pushes(limit)
    lines = [
        f"{iso(from_epoch_ms(item['at']))}  size {item['size']:<8} {item['target']}  {item['error'] or 'taken'}"
        for item in found["items"]
    ]
    state.show(found, "\n".join(lines) or "nothing was pushed")
    newest = {item["target"]: item["error"] for item in reversed(found["items"])}
    if any(newest.get(target, "never") for target in found["targets"]):
        raise SystemExit(1)


@ledger.command("prove")
@click.argument("seq", type=click.IntRange(min=0))
@click.option("--size", type=click.IntRange(min=1), help="In the log of that size.  [default: the whole log]")
@session
def prove(state: Session, seq: int, size: int | None) -> None:
    """Prove that entry SEQ is in the log: its leaf hash, the root, and the hashes between them."""
    found = Ledger(state.connection).inclusion(seq, size)
    head = [f"entry {seq} among {found['size']}", f"leaf {found['leaf_hash']}", f"root {found['root']}"]
    state.show(found, "\n".join([*head, *(f"  {value}" for value in found["hashes"])]))


@ledger.command("verify")
@click.option(
    "--since",
    "--checkpoint",
    "since",
    type=FILE,
    help="Checkpoints kept from before (JSON, or one a line): prove here that the log only grew.",
)
@click.option(
    "--key",
    "keys",
    type=FILE,
    multiple=True,
    help=f"The server's public key (PEM), kept from before; --since needs it. {SEVERAL}",
)
@session
@click.pass_context
def verify_ledger(ctx: click.Context, state: Session, since: Path | None, keys: tuple[Path, ...]) -> None:
    """Have the server recompute its whole log; with --since, prove besides, here, that nothing kept has changed."""
    if (since is None) != (not keys):
        raise click.UsageError("--since and --key belong together")
    found = Ledger(state.connection).verify()
    if since is not None:
        try:
            found["grown_from"] = _prove_growth(state, since, keys)
        except IntegrityFailed as error:
            found["problems"].append(error.detail)
    problems = "\n".join(f"  {problem}" for problem in found["problems"])
    verdict = f"the ledger does not hold:\n{problems}" if problems else "the ledger holds"
    state.show(
        found, f"{found['entries']} entries, {found['checkpoints']} checkpoints, root {found['root']}\n{verdict}"
    )
    if found["problems"]:
        ctx.exit(1)


def _prove_growth(state: Session, since: Path, keys: Sequence[Path]) -> int:
    require_extra("verify", "ledger verify --since")
    from sekisho.ledger.signing import load_public_key
    from sekisho.ledger.statements import kept_checkpoints, verify_growth

    public = [load_public_key(_text(key)) for key in keys]
    kept = kept_checkpoints(since.read_bytes(), *public)
    ledger = Ledger(state.connection)
    current = ledger.checkpoint()
    for former in kept:
        proof = ledger.consistency(former.size, current["size"]) if former.size <= current["size"] else {}
        verify_growth(former, current["envelope"], proof, *public)
    return max(former.size for former in kept)


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--key",
    "keys",
    required=True,
    type=FILE,
    multiple=True,
    help=f"The server's public key (PEM), obtained beforehand. {SEVERAL}",
)
@click.option(
    "--subject", help="Demand that it is about this name and/or digest: agent/support, sha256:…, or name@digest."
)
@click.option("--stage", help="Demand that it is about this target stage.")
@click.option("--any-outcome", is_flag=True, help="Exit 0 for an authentic decision whatever its outcome.")
@session
@click.pass_context
def verify(
    ctx: click.Context,
    state: Session,
    file: Path,
    keys: tuple[Path, ...],
    subject: str | None,
    stage: str | None,
    any_outcome: bool,
) -> None:
    """Prove the attestation FILE offline: no server, no network, nothing but the public key.

    Exit 0: authentic, and the decision is allow. 1: not authentic, not about what was demanded, or another outcome.
    """
    require_extra("verify", "verify")
    from sekisho.ledger.statements import verify_attestation

    try:
        found = verify_attestation(file.read_bytes(), *map(_text, keys))
        found.require(project=state.project, subject=subject, stage=stage)
    except IntegrityFailed as error:
        _refuse(state, error)
        ctx.exit(1)
    state.show(found.as_json(), _told(found))
    if not (found.allowed or any_outcome):
        ctx.exit(1)


def _told(found: Any) -> str:
    decision = found.decision
    engine = " ".join(filter(None, (decision.policy.engine, decision.policy.engine_version)))
    said = decision.override
    rules = [
        f"  {rule.id}  {rule.status}{'  (waived)' if rule.waived else ''}"
        for rule in decision.rules
        if rule.status != "not_applicable"
    ]
    return "\n".join(
        [
            f"authentic: {decision.outcome.upper()}  {decision.action} {found.subject} to {decision.stage}",
            f"digest     {found.digest}",
            f"decision   {decision.decision_id} at {decision.time}",
            f"requester  {decision.requester}; approved by {', '.join(decision.approvers) or 'nobody'}",
            f"policy     {decision.policy.digest} on {engine}",
            f"ledger     entry {found.entry.seq} under the checkpoint of size {found.checkpoint.size}",
            f"key        {found.keyid}",
            *([f"           {found.checkpoint_keyid} (checkpoint)"] if found.checkpoint_keyid != found.keyid else []),
            *([f"BREAK-GLASS until {said.until}, over {', '.join(said.rules)}"] if said else []),
            *rules,
        ]
    )


def _refuse(state: Session, error: SekishoError) -> None:
    if state.as_json:
        state.show({"authentic": False, "reason": error.detail})
    else:
        state.show_error(error)


def _text(key: Path) -> str:
    return key.read_bytes().decode("utf-8", errors="replace")


commands: list[click.Command] = [ledger, verify]
