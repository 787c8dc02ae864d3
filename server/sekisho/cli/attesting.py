"""Commands of attested documents and of licence scans."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sekisho.cli.gate import LOCK
from sekisho.cli.session import Session, session
from sekisho.client.evidence import Evidence
from sekisho.kernel.errors import FieldError, Invalid


@click.command()
@click.argument("reference")
@click.option("--type", "kind", required=True, help="The type of the document; policy says which there are.")
@click.option(
    "--file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The document: a text, or one that names others by address and hash.",
)
@click.option("--days", required=True, type=int, help="After how many days it expires; policy says how many at most.")
@LOCK
@session
def attest(state: Session, reference: str, kind: str, file: Path, days: int, lock_file: Path) -> None:
    """Attest a document about the version REFERENCE, as a person in a role that policy names for its type.

    A newer one of its type about the same version takes its place. REFERENCE without a selector means the digest in
    sekisho.lock.
    """
    subject = state.pinned(reference, lock_file)
    kept = _evidence(state).attest(subject, kind, _text(file), days)
    state.show(kept, f"attested: {line(kept)}")


@click.group()
def attested() -> None:
    """Documents that people attested about versions."""


@attested.command("list")
@click.argument("reference")
@session
def list_attested(state: Session, reference: str) -> None:
    """The documents about the version REFERENCE, newest first, standing or not."""
    found = _evidence(state).documents(reference)
    lines = [f"{item['id']}  {item['state']:<9} {line(item)}" for item in found]
    state.show(found, "\n".join(lines) or f"no document about {reference}")


@attested.command("withdraw")
@click.argument("document_id", metavar="ID")
@session
def withdraw(state: Session, document_id: str) -> None:
    """Take the document ID back before its time. An older one does not come back in its place."""
    done = _evidence(state).withdraw(document_id)
    state.show(done, f"withdrawn by {done['withdrawn_by']}: {line(done)}")


@click.group()
def licence() -> None:
    """Licences of what a version is made from."""


@licence.command("scan")
@click.argument("reference")
@LOCK
@session
def scan(state: Session, reference: str, lock_file: Path) -> None:
    """Have the server read what each part of the version REFERENCE says of its licence.

    It reads manifests, documents and licence files among them, and what came with models. REFERENCE without a
    selector means the digest in sekisho.lock.
    """
    found = _evidence(state).scan_licences(state.pinned(reference, lock_file))
    state.show(found, "\n".join(_scanned(found)) or f"nothing in {reference} is licensed")


@licence.command("list")
@click.argument("reference")
@session
def list_licences(state: Session, reference: str) -> None:
    """What was found when the parts of the version REFERENCE were scanned last."""
    found = _evidence(state).licence_scans(reference)
    state.show(found, "\n".join(_scanned(found)) or f"nothing in {reference} was scanned")


def line(item: dict[str, Any]) -> str:
    """A document in one line."""
    until = datetime.fromtimestamp(item["expires_at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    what = f"{item['type']} about {item['subject']}@v{item['number']}"
    licence = f": {item['licence']}" if item["licence"] else ""
    return f"{what} by {item['principal']} as {item['role']} until {until}{licence}"


def _scanned(found: list[dict[str, Any]]) -> list[str]:
    lines = []
    for one in found:
        head = f"{one['subject']}@v{one['number']}"
        lines += [f"{head}  {_finding(finding)}" for finding in one["findings"]] or [f"{head}  nothing says"]
    return lines


def _finding(finding: dict[str, Any]) -> str:
    more = f" and {finding['count'] - 1} more" if finding["count"] > 1 else ""
    unknown = "" if finding["alternatives"] else "  (no licence that SPDX lists)"
    return f"{finding['said']}  {finding['source']}: {finding['place']}{more}{unknown}"


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(
            f"{file} is no text",
            fields=[FieldError("$.document", f"not UTF-8 at byte {error.start}")],
            remedy="attest a text that names the document by its address and its sha256",
        ) from error


def _evidence(state: Session) -> Evidence:
    return Evidence(state.connection, state.project)


commands: list[click.Command] = [attest, attested, licence]
