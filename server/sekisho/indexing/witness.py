"""Records of built indexes and the fingerprints of their chunks, held to the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sekisho.indexing.store import IndexStore
from sekisho.indexing.types import Integrity, root_of
from sekisho.kernel.database import Transaction
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing

BUILT = "index.built"
ERASED = "document.erasure_done"
_ROOTS = ("chunks", "chunks_root", "vectors_root")


class IndexBuilds:
    """What was built, and what a look at it found last. When it was last looked at the log says of changes alone."""

    what = "record of a built index"
    kinds = frozenset({BUILT, "index.verified", "index.drifted", ERASED})

    def told(self, entry: Entry, standing: Standing) -> None:
        body = entry.body
        if entry.kind == ERASED:
            for digest in body.get("erased_indexes", ()):
                del standing[f"{entry.project}/{digest}"]
            return
        if entry.kind == BUILT:
            told: dict[str, Any] = {name: body[name] for name in ("number", *_ROOTS)}
            told |= {"artifact": body["artifact"], "job": body["job"], "built_at": Moment(entry.time)}
            standing[f"{entry.project}/{entry.subject}"] = told
        state = Integrity.DRIFTED if entry.kind == "index.drifted" else Integrity.VERIFIED
        # Projects that have the same index read one collection, and what is found of it holds for each.
        for key, facts in standing.items():
            if key.endswith(f"/{entry.subject}"):
                standing[key] = {**facts, "integrity": state.value}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for one in IndexStore(tx).each():
            facts = {name: getattr(one, name) for name in ("number", "built_at", *_ROOTS)}
            facts |= {"artifact": f"index/{one.name}", "job": one.job_id, "integrity": one.integrity.value}
            yield f"{one.project}/{one.digest}", facts


class IndexChunks:
    """The roots over the fingerprints are taken anew."""

    what = "fingerprints of an index"
    kinds = frozenset({BUILT, ERASED})

    def told(self, entry: Entry, standing: Standing) -> None:
        """An index's fingerprints go with the last project that has it."""
        if entry.kind == ERASED:
            for digest in entry.body.get("erased_indexes", ()):
                left = set(standing[digest]["projects"]) - {entry.project}
                standing[digest] = {**standing[digest], "projects": left}
                if not left:
                    del standing[digest]
            return
        digest = str(entry.subject)
        projects = {*standing.get(digest, {}).get("projects", ()), entry.project}
        standing[digest] = {**{name: entry.body[name] for name in _ROOTS}, "projects": projects}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        store = IndexStore(tx)
        having: dict[str, set[str]] = {}
        async for record in store.each():
            having.setdefault(record.digest, set()).add(record.project)
        for digest in await store.with_chunks():
            found = await store.chunks(digest)
            roots = {
                "chunks_root": root_of(one.chunk_hash for one in found),
                "vectors_root": root_of(one.vector_hash for one in found),
            }
            yield digest, {**roots, "chunks": len(found), "projects": having.get(digest, set())}
