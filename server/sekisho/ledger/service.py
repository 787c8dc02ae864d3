"""Use cases of the ledger. Rooms append inside the transaction of the change itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import canonical_json, decode_canonical, digest_of_bytes
from sekisho.kernel.errors import FieldError, Forbidden, IntegrityFailed, Invalid, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.pages import Cursor, Page, parse_cursor, parse_limit
from sekisho.ledger import merkle
from sekisho.ledger.audit import Audit
from sekisho.ledger.proving import Proofs
from sekisho.ledger.signing import CHECKPOINT_TYPE, STATEMENT_TYPE, PublicKey, Signer
from sekisho.ledger.store import Head, Kept, LedgerStore
from sekisho.ledger.types import (
    EVERYWHERE,
    NOTES,
    Checkpoint,
    ConsistencyProof,
    Entry,
    InclusionProof,
    Reader,
    Verification,
)
from sekisho.ledger.witness import Witness

_PART = 500


@dataclass(frozen=True)
class Ledger:
    """The log of one database. `retired` are public keys of former signing keys."""

    database: Database
    clock: Clock
    signer: Signer
    retired: tuple[PublicKey, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    """Tables of the rooms that `verify` holds to the log."""
    _proofs: Proofs = field(default_factory=Proofs, repr=False, compare=False)

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """Every key that this server's signatures verify with, the one in use first."""
        return (self.signer.public, *(key for key in self.retired if key.keyid != self.signer.keyid))

    async def lock(self, tx: Transaction) -> None:
        """Let no other transaction append until this one ends: read, decide and append as one step."""
        await LedgerStore(tx).head(for_update=True)

    async def append(
        self, tx: Transaction, *, kind: str, project: str, principal: str, subject: str | None = None,
        body: Mapping[str, Any],
    ) -> Entry:  # fmt: skip
        """Add an entry in the caller's write transaction; it stands or falls with it.

        Other appends wait on PostgreSQL until this transaction ends, so append after all else is done.
        `body` must survive canonical JSON (no floats that matter, no integer of 2**53 or more).
        """
        store = LedgerStore(tx)
        head = await store.head(for_update=True)
        now = self.clock.now()
        entry = Entry(head.frontier.size, epoch_ms(now), kind, project, principal, subject, body)
        content = canonical_json(entry.content())
        decode_canonical(content)  # what could not be read back must not be written
        leaf = merkle.leaf_hash(content)
        frontier, completed = head.frontier.appended(leaf)
        await store.insert(entry, content, leaf, completed)
        await store.move_head(Head(head.origin or f"sekisho/{new_id(now)}", frontier))
        return entry

    async def size(self, tx: Transaction) -> int:
        """How many entries there are, as this transaction sees it."""
        return (await LedgerStore(tx).head()).frontier.size

    async def grew(self, tx: Transaction, since: int, apart: frozenset[str] = NOTES) -> bool:
        """Whether the log has other entries than `since`: more, apart from those of these kinds, or fewer."""
        size = await self.size(tx)
        return size < since or (size > since and await LedgerStore(tx).any_since(since, apart))

    async def end(self, tx: Transaction, recent: int) -> tuple[int, int]:
        """`size`, and the `latest` time of that many last entries; for whoever asks for both before he decides."""
        return await LedgerStore(tx).end(recent)

    async def latest(self, tx: Transaction, since: int) -> int:
        """The latest time in the log from entry `since` on, epoch milliseconds; 0 where there is none.

        Whatever a machine's clock says, it is not earlier than that, unless some clock was ahead then.
        """
        return await LedgerStore(tx).latest(since)

    def attest(self, statement: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """The DSSE envelope over an in-toto statement, and the digest that its `DECISION_MADE` entry must name."""
        payload = canonical_json(dict(statement))
        return self.signer.sign(STATEMENT_TYPE, payload), digest_of_bytes(payload)

    async def attestation(self, envelope: Mapping[str, Any], seq: int) -> dict[str, Any]:
        """The file that proves a decision offline: envelope, entry, and the entry's place in the signed log.

        It uses the first checkpoint that covers the entry, so that the same decision gives the same file.
        """
        async with self.database.read() as tx:
            checkpoint = await LedgerStore(tx).first_checkpoint_over(seq)
        if checkpoint is None:
            async with self.database.write() as tx:
                checkpoint = await self.checkpoint_in(tx)
        async with self.database.read() as tx:
            entry = await _entry(tx, seq)
            proof = await _inclusion(tx, seq, checkpoint.size)
        return {
            "envelope": dict(envelope),
            "entry": entry.content(),
            "inclusion": {"size": proof.size, "hashes": list(proof.hashes)},
            "checkpoint": dict(checkpoint.envelope),
        }

    async def checkpoint_in(self, tx: Transaction) -> Checkpoint:
        """Sign the log as it stands in this write transaction, or give the checkpoint of this size."""
        store = LedgerStore(tx)
        head = await store.head(for_update=True)
        last = await store.last_checkpoint()
        if last is not None and last.size == head.frontier.size:
            return last
        if head.origin is None:
            raise NotFound("the ledger has no entries yet, so there is nothing to sign")
        checkpoint = self._sign(head.origin, head.frontier)
        await store.insert_checkpoint(checkpoint)
        return checkpoint

    async def checkpoint(self, reader: Reader) -> Checkpoint:
        """The signed size and root of the log now."""
        _require_reader(reader)
        async with self.database.read() as tx:
            last = await LedgerStore(tx).last_checkpoint()
            head = await LedgerStore(tx).head()
        if last is not None and last.size == head.frontier.size:
            return last
        async with self.database.write() as tx:
            return await self.checkpoint_in(tx)

    async def entries(
        self, reader: Reader, *, project: str | None = None, kind: str | None = None,
        subject: str | None = None, cursor: str | None = None, newest_first: bool = True, limit: int = 50,
    ) -> Page[Entry]:  # fmt: skip
        """Entries of the projects that `reader` may read. Raises `NotFound` for another project."""
        if project is not None and not _reads(reader, project):
            raise NotFound(f"there is no project {project}")
        if project is not None:
            projects: frozenset[str] | None = frozenset({project})
        else:
            projects = None if EVERYWHERE in reader.readable else reader.readable
        limit = parse_limit(limit)
        async with self.database.read() as tx:
            found = await LedgerStore(tx).page(
                projects=projects, kind=kind, subject=subject, after=_after(cursor),
                newest_first=newest_first, limit=limit + 1,
            )  # fmt: skip
        more = Cursor(found[limit - 1].time, str(found[limit - 1].seq)).encode() if len(found) > limit else None
        return Page(tuple(found[:limit]), more)

    async def about(self, tx: Transaction, *, project: str, kind: str, subject: str) -> list[Entry]:
        """Every entry of this kind about one subject, in the order of the log; for use cases of other rooms."""
        found: list[Entry] = []
        while True:
            part = await LedgerStore(tx).page(
                projects=[project], kind=kind, subject=subject, after=found[-1].seq if found else None,
                newest_first=False, limit=_PART,
            )  # fmt: skip
            found += part
            if len(part) < _PART:
                return found

    async def told(
        self, tx: Transaction, *, kinds: Collection[str], subjects: Collection[str] | None = None
    ) -> list[Entry]:
        """Every entry of these kinds, of any project, about any of these subjects (None: whatever they are about).

        Raises `IntegrityFailed` where one of them does not read back.
        """
        try:
            return await LedgerStore(tx).told(kinds, subjects)
        except (ValueError, Invalid) as error:
            raise IntegrityFailed(
                f"an entry of the ledger about {', '.join(sorted(kinds))} does not read back"
            ) from error

    async def lacking(self, tx: Transaction, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Those of these entries that do not stand in the log: somebody wrote or changed them in the table alone."""
        return await self._proofs.lacking(LedgerStore(tx), {key.keyid: key for key in self.keys}, entries)

    async def last(self, tx: Transaction, kind: str) -> Entry | None:
        """The newest entry of this kind, whatever it is about; for use cases of other rooms."""
        found = await LedgerStore(tx).page(
            projects=None, kind=kind, subject=None, after=None, newest_first=True, limit=1
        )
        return found[0] if found else None

    async def subjects(self, tx: Transaction, *, project: str, kind: str) -> frozenset[str]:
        """What the project's entries of a kind are about; for a kind that is rare."""
        return frozenset(await LedgerStore(tx).subjects(project, kind))

    async def entry(self, reader: Reader, seq: int) -> Entry:
        """Raises `NotFound` also for an entry of a project that `reader` may not read."""
        async with self.database.read() as tx:
            entry = await _entry(tx, seq)
        if not _reads(reader, entry.project):
            raise _no_entry(seq)
        return entry

    async def inclusion(self, reader: Reader, seq: int, size: int | None = None) -> InclusionProof:
        """Proof that entry `seq` is among the first `size` entries (None: among all). Raises as `entry` does."""
        async with self.database.read() as tx:
            return await _inclusion(tx, seq, size, reader)

    async def consistency(self, reader: Reader, first: int, second: int | None = None) -> ConsistencyProof:
        """Proof that the first `first` entries did not change while the log grew to `second` (None: now)."""
        _require_reader(reader)
        return await self.growth(first, second)

    async def growth(self, first: int, second: int | None = None) -> ConsistencyProof:
        """The same, for the server's own use."""
        async with self.database.read() as tx:
            kept = await LedgerStore(tx).kept([*merkle.beside(first - 1), *_largest(first), *_largest(second)])
        second = _within(second, kept.size)
        if not 0 <= first <= second:
            raise _out_of_range("first", f"use 0 to {second}")
        hashes, roots = _proven(kept, merkle.consistency_ranges(first, second), [first, second])
        return ConsistencyProof(first, second, roots[0], roots[1], hashes)

    async def verify(self, reader: Reader) -> Verification:
        """Recompute every hash, root and signature from the entries' bytes, and hold what the rooms keep to them."""
        _require_reader(reader)
        async with self.database.read() as tx:
            return await self.verify_in(tx)

    async def verify_in(self, tx: Transaction) -> Verification:
        """The same, of the log as this transaction sees it."""
        store = LedgerStore(tx)
        audit = Audit(await store.checkpoints(), {key.keyid: key for key in self.keys}, self.witnesses)
        async for rows in store.all():
            audit.entries(rows)
        head = await store.head()
        await audit.rows(tx)
        return audit.finish(head.origin, head.frontier)

    def _sign(self, origin: str, frontier: merkle.Frontier) -> Checkpoint:
        unsigned = Checkpoint(origin, frontier.size, merkle.text(frontier.root), epoch_ms(self.clock.now()), {})
        envelope = self.signer.sign(CHECKPOINT_TYPE, canonical_json(unsigned.content()))
        return Checkpoint(**unsigned.content(), envelope=envelope)


async def _entry(tx: Transaction, seq: int) -> Entry:
    try:
        entry = await LedgerStore(tx).one_or_none(seq)
    except ValueError as error:
        raise IntegrityFailed(f"ledger entry {seq} does not read back: {error}") from error
    if entry is None:
        raise _no_entry(seq)
    return entry


async def _inclusion(tx: Transaction, seq: int, size: int | None, reader: Reader | None = None) -> InclusionProof:
    """`reader` None: for the server's own use."""
    kept = await LedgerStore(tx).kept([(0, seq), *merkle.beside(seq), *_largest(size)])
    if not 0 <= seq < kept.size:
        raise _no_entry(seq)
    size = _within(size, kept.size)
    if reader is not None and not _reads(reader, kept.projects.get(seq, EVERYWHERE)):
        raise _no_entry(seq)
    if size <= seq:
        raise _out_of_range("size", f"use {seq + 1} or more: a smaller tree does not hold entry {seq}")
    if (0, seq) not in kept.hashes:
        raise IntegrityFailed(f"ledger entry {seq} is missing")
    hashes, roots = _proven(kept, merkle.inclusion_ranges(seq, size), [size])
    return InclusionProof(seq, size, merkle.text(kept.hashes[0, seq]), roots[0], hashes)


def _within(asked: int | None, now: int) -> int:
    if asked is not None and not 0 <= asked <= now:
        raise _out_of_range("size", f"the ledger has {now} entries now")
    return now if asked is None else asked


def _largest(size: int | None) -> list[merkle.Node]:
    """The subtrees that a tree of this size is made of. Those of the tree of now (None) come with its size."""
    return [] if size is None else merkle.subtrees((0, size))


def _proven(
    kept: Kept, ranges: Sequence[merkle.Range], sizes: Sequence[int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The hashes over `ranges`, and the roots of the trees of `sizes`. Raises `IntegrityFailed`."""
    wanted = [*ranges, *((0, size) for size in sizes)]
    try:
        hashes = [merkle.text(value) for value in merkle.proof_from(wanted, kept.hashes.__getitem__)]
    except KeyError as error:
        raise IntegrityFailed(f"the ledger lacks the entries under subtree {error}") from error
    return tuple(hashes[: len(ranges)]), tuple(hashes[len(ranges) :])


def _reads(reader: Reader, project: str) -> bool:
    return EVERYWHERE in reader.readable or project in reader.readable


def _require_reader(reader: Reader) -> None:
    if not reader.readable:
        raise Forbidden("seeing the ledger takes a role that reads, in any project")


def _after(cursor: str | None) -> int | None:
    parsed = parse_cursor(cursor)
    if parsed is None:
        return None
    if not parsed.id.isdecimal():
        raise _out_of_range("cursor", "pass next_cursor of the page before, unchanged")
    return int(parsed.id)


def _no_entry(seq: int) -> NotFound:
    return NotFound(f"there is no ledger entry {seq}")


def _out_of_range(name: str, mend: str) -> Invalid:
    return Invalid(f"{name} is out of range", fields=[FieldError(f"$.{name}", mend)])
