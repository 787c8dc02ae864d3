"""Versions, registrations and stages, held to the log."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.references import Kind
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing
from sekisho.registry.blobs import BlobStore
from sekisho.registry.kinds import MANIFESTS
from sekisho.registry.pointers import StageStore
from sekisho.registry.revocations import RevocationStore
from sekisho.registry.store import RegistrationStore, VersionStore


class Versions:
    """The bytes of each manifest hash to its digest, its edges are those that it names, and its number is its own."""

    what = "version"
    kinds = frozenset({"version.registered", "version.archived", "version.restored", "version.revoked"})

    def told(self, entry: Entry, standing: Standing) -> None:
        key = f"{entry.project}/{entry.body['artifact']}@v{entry.body['number']}"
        if entry.kind == "version.registered":
            told = {"digest": entry.subject, "manifest": entry.subject, "archived": False, "revoked": False}
            standing.setdefault(key, {**told, "edges_as_named": True})
        elif entry.kind == "version.revoked":
            # The bytes are revoked under every name that they have in the project.
            for other, facts in standing.items():
                if other.startswith(f"{entry.project}/") and facts["digest"] == entry.subject:
                    standing[other] = {**facts, "revoked": True}
        else:
            standing[key] = {**standing[key], "archived": entry.kind == "version.archived"}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        kept = await VersionStore(tx).edges()
        async for project, kind, name, number, digest, manifest, archived, revoked in VersionStore(tx).each():
            facts = {"digest": digest, "manifest": digest_of_bytes(manifest), "archived": archived, "revoked": revoked}
            facts["edges_as_named"] = kept.get((project, digest), set()) == _named(kind, manifest)
            yield f"{project}/{kind}/{name}@v{number}", facts


class Blobs:
    """The bytes of a project's files hash to their digests; where a document was erased some may be empty."""

    what = "files of project"
    kinds = frozenset({"version.registered", "document.erased"})

    def told(self, entry: Entry, standing: Standing) -> None:
        facts = standing.setdefault(entry.project, {"edited": [], "emptied": []})
        if entry.kind == "document.erased":
            standing[entry.project] = {name: facts[name] for name in facts if name != "emptied"}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        found: dict[str, dict[str, list[str]]] = {}
        async for project, digest, data in BlobStore(tx).each():
            if digest_of_bytes(data) != digest:
                there = found.setdefault(project, {"edited": [], "emptied": []})
                there["edited" if data else "emptied"].append(digest)
        for project in await VersionStore(tx).projects():
            yield project, found.pop(project, {"edited": [], "emptied": []})
        for project, facts in found.items():
            yield project, facts


class Registrations:
    """Who registered what, from which commit, whom he named as its author, and what else he said of it."""

    what = "registration"
    kinds = frozenset({"version.registered"})

    def told(self, entry: Entry, standing: Standing) -> None:
        standing[entry.body["registration"]] = {
            "project": entry.project,
            "digest": entry.subject,
            "principal": entry.principal,
            "commit": entry.body["commit"],
            "author": entry.body.get("author"),
            "created_at": Moment(entry.time),
            # Entries of the first days do not say it.
            **({"said": entry.body["said"]} if "said" in entry.body else {}),
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for row in RegistrationStore(tx).each():
            author = digest_of([row["id"], row["author"]]) if row["author"] else None
            yield row["id"], {**row, "author": author}


class Stages:
    """What each stage serves: the last move that the log knows."""

    what = "stage pointer"
    kinds = frozenset({"stage.moved", "stage.emptied"})

    def told(self, entry: Entry, standing: Standing) -> None:
        key = f"{entry.project}/{entry.body['artifact']}@{entry.body['stage']}"
        if entry.kind == "stage.emptied":
            standing.pop(key, None)
            return
        standing[key] = {
            "digest": entry.subject,
            "number": entry.body["number"],
            "decision": entry.body["decision"],
            "seq": entry.body["seq"],
            "moved_at": Moment(entry.time),
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for row in StageStore(tx).each_pointer():
            yield f"{row['artifact']}@{row['stage']}", row


class Moves:
    """Every move that a stage ever made, and that it was emptied."""

    what = "stage move"
    kinds = frozenset({"stage.moved", "stage.emptied"})

    def told(self, entry: Entry, standing: Standing) -> None:
        body = entry.body
        emptied = entry.kind == "stage.emptied"
        standing[f"{entry.project}/{body['artifact']}@{body['stage']} {body['seq']}"] = {
            "digest": None if emptied else entry.subject,
            "from": entry.subject if emptied else body.get("from"),
            "number": None if emptied else body["number"],
            "decision": body["decision"],
            "principal": entry.principal,
            "moved_at": Moment(entry.time),
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for row in StageStore(tx).each_move():
            yield f"{row['artifact']}@{row['stage']} {row['seq']}", row


class Revocations:
    """That bytes were revoked, by whom, and the words of his reason."""

    what = "revocation"
    kinds = frozenset({"version.revoked"})

    def told(self, entry: Entry, standing: Standing) -> None:
        standing[entry.body["revocation"]] = {
            "project": entry.project,
            "digest": entry.subject,
            "principal": entry.principal,
            "reason": entry.body["reason"],
            "created_at": Moment(entry.time),
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for one in RevocationStore(tx).each():
            facts = {name: getattr(one, name) for name in ("project", "digest", "principal", "created_at")}
            yield one.id, {**facts, "reason": digest_of([one.id, one.reason])}


def _named(kind: Kind, manifest: bytes) -> set[tuple[str, str]] | None:
    """What a manifest is made from, as its edges say it; None for bytes that are no manifest."""
    try:
        return {(pin.role, pin.digest) for pin in msgspec.json.decode(manifest, type=MANIFESTS[kind]).dependencies()}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
