"""Rows of the ledger.

Each entry's row keeps, beside its leaf hash, the perfect subtrees that its leaf completed: one more hash
per entry on average, and every proof is then O(log n) rows. The head is one row, and its lock
serialises appends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from sqlalchemy import (
    BigInteger,
    Index,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.kernel.database import Base, CanonicalJson, Transaction
from sekisho.kernel.json import decode_json
from sekisho.ledger.merkle import Frontier, Node, last_leaf, subtrees
from sekisho.ledger.types import Checkpoint, Entry, Stored, entry_of

HEAD = 1
_HELD = "sekisho.ledger.head"


@dataclass(frozen=True, slots=True)
class Kept:
    """Hashes of perfect subtrees, of each entry that completed one the project that it is of, and the log's size."""

    size: int
    hashes: Mapping[Node, bytes]
    projects: Mapping[int, str]


class HeadRow(Base):
    __tablename__ = "ledger_head"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    origin: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int]
    peaks: Mapped[Any] = mapped_column(CanonicalJson)


class EntryRow(Base):
    __tablename__ = "ledger_entries"
    __table_args__ = (
        Index("ix_ledger_entries_project_seq", "project", "seq"),
        Index("ix_ledger_entries_kind_seq", "kind", "seq"),
        Index("ix_ledger_entries_subject_seq", "subject", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    time: Mapped[int]
    kind: Mapped[str] = mapped_column(String(64))
    project: Mapped[str] = mapped_column(String(64))
    principal: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(255))
    content: Mapped[str] = mapped_column(Text)
    leaf_hash: Mapped[str] = mapped_column(String(64))
    subtrees: Mapped[Any] = mapped_column(CanonicalJson)


class CheckpointRow(Base):
    __tablename__ = "ledger_checkpoints"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(String(64))
    root: Mapped[str] = mapped_column(String(71))
    time: Mapped[int]
    envelope: Mapped[Any] = mapped_column(CanonicalJson)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends. `origin` is its name, None until the first entry."""

    origin: str | None
    frontier: Frontier


_COLUMNS = (
    EntryRow.seq, EntryRow.time, EntryRow.kind, EntryRow.project, EntryRow.principal, EntryRow.subject,
    EntryRow.content, EntryRow.leaf_hash, type_coerce(EntryRow.subtrees, Text),
)  # fmt: skip


_ENTRIES, _HEADS = cast(Table, EntryRow.__table__), cast(Table, HeadRow.__table__)
# Statements on the tables themselves, made once: making one takes longer than running it.
_INSERT = insert(_ENTRIES)
_MOVE = (
    update(_HEADS)
    .where(HeadRow.id == HEAD)
    .values(origin=bindparam("to_origin"), size=bindparam("to_size"), peaks=bindparam("to_peaks"))
)


# One statement gives the log's size with the hashes: each further one would cost more than the proof's own work.
_KEPT = (
    select(
        HeadRow.size, type_coerce(HeadRow.peaks, Text).label("peaks"),
        EntryRow.seq, EntryRow.project, EntryRow.leaf_hash, type_coerce(EntryRow.subtrees, Text).label("subtrees"),
    )
    .select_from(_HEADS.outerjoin(_ENTRIES, EntryRow.seq.in_(bindparam("places", expanding=True))))
    .where(HeadRow.id == HEAD)
)  # fmt: skip
_END = select(
    HeadRow.size,
    select(func.coalesce(func.max(EntryRow.time), 0))
    .where(EntryRow.seq >= HeadRow.size - bindparam("recent", type_=BigInteger))
    .correlate(HeadRow)
    .scalar_subquery(),
).where(HeadRow.id == HEAD)
_LARGEST_PLACE = (1 << 63) - 1
_texts = msgspec.json.Decoder(list[str]).decode


def row_of(entry: Entry, content: bytes, leaf: bytes, subtrees: Iterable[bytes]) -> dict[str, Any]:
    """The entry's row by its columns."""
    return {
        "seq": entry.seq, "time": entry.time, "kind": entry.kind, "project": entry.project,
        "principal": entry.principal, "subject": entry.subject, "content": content.decode(),
        "leaf_hash": leaf.hex(), "subtrees": [value.hex() for value in subtrees],
    }  # fmt: skip


class LedgerStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def head(self, *, for_update: bool = False) -> Head:
        """Once this transaction holds the lock nobody else moves the head, and it is not read again."""
        held: Head | None = self._tx.info.get(_HELD)
        if held is not None:
            return held
        query = select(HeadRow.origin, HeadRow.size, HeadRow.peaks).where(HeadRow.id == HEAD)
        row = (await self._tx.execute(query.with_for_update() if for_update else query)).one()
        head = Head(row.origin, Frontier(row.size, tuple(bytes.fromhex(peak) for peak in row.peaks)))
        if for_update:
            self._tx.info[_HELD] = head
        return head

    async def move_head(self, head: Head) -> None:
        self._tx.info[_HELD] = head
        peaks = [peak.hex() for peak in head.frontier.peaks]
        await self._tx.execute(_MOVE, {"to_origin": head.origin, "to_size": head.frontier.size, "to_peaks": peaks})

    async def insert(self, entry: Entry, content: bytes, leaf: bytes, subtrees: Iterable[bytes]) -> None:
        await self._tx.execute(_INSERT, row_of(entry, content, leaf, subtrees))

    async def insert_all(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows as `row_of` makes them, in one statement."""
        await self._tx.execute(_INSERT, list(rows))

    async def latest(self, since: int) -> int:
        """The latest time that an entry from `since` on has, epoch milliseconds; 0 where there is none."""
        return await self._tx.scalar(select(func.max(EntryRow.time)).where(EntryRow.seq >= since)) or 0

    async def any_since(self, since: int, apart: Iterable[str]) -> bool:
        """Whether an entry from `since` on is of a kind that is not named."""
        query = select(EntryRow.seq).where(EntryRow.seq >= since, EntryRow.kind.not_in(sorted(apart))).limit(1)
        return await self._tx.scalar(query) is not None

    async def end(self, recent: int) -> tuple[int, int]:
        """How many entries there are, and the latest time among the last `recent` of them."""
        size, latest = (await self._tx.execute(_END, {"recent": recent})).one()
        return size, latest

    async def one_or_none(self, seq: int) -> Entry | None:
        content = await self._tx.scalar(select(EntryRow.content).where(EntryRow.seq == seq))
        return None if content is None else _entry(content)

    async def page(
        self, *, projects: Iterable[str] | None, kind: str | None, subject: str | None, after: int | None,
        newest_first: bool, limit: int,
    ) -> list[Entry]:  # fmt: skip
        """Entries of these projects (None: of all), in the order of the log or against it."""
        query = select(EntryRow.content).limit(limit)
        if projects is not None:
            query = query.where(EntryRow.project.in_(sorted(projects)))
        if kind is not None:
            query = query.where(EntryRow.kind == kind)
        if subject is not None:
            query = query.where(EntryRow.subject == subject)
        if after is not None:
            query = query.where(EntryRow.seq < after if newest_first else EntryRow.seq > after)
        query = query.order_by(EntryRow.seq.desc() if newest_first else EntryRow.seq)
        return [_entry(content) for content in await self._tx.scalars(query)]

    async def told(self, kinds: Collection[str], subjects: Collection[str] | None) -> list[Entry]:
        """In the order of the log."""
        query = select(EntryRow.content).where(EntryRow.kind.in_(sorted(kinds))).order_by(EntryRow.seq)
        if subjects is not None:
            query = query.where(EntryRow.subject.in_(sorted(subjects)))
        return [_entry(content) for content in await self._tx.scalars(query)]

    async def subjects(self, project: str, kind: str) -> list[str]:
        query = select(EntryRow.subject).distinct().where(EntryRow.kind == kind, EntryRow.project == project)
        return [found for found in await self._tx.scalars(query) if found is not None]

    async def kept(self, nodes: Iterable[Node]) -> Kept:
        """Hashes of these perfect subtrees and of the log's largest; one whose last leaf is not there is left out."""
        wanted = {node: last_leaf(node) for node in nodes}
        places = sorted({place for place in wanted.values() if 0 <= place <= _LARGEST_PLACE})
        rows = (await (await self._tx.connection()).execute(_KEPT, {"places": places})).all()
        size, peaks = rows[0].size, _texts(rows[0].peaks)
        texts = {row.seq: (row.leaf_hash, *_texts(row.subtrees)) for row in rows if row.seq is not None}
        found = {node: texts[place][node[0]] for node, place in wanted.items() if place in texts}
        found |= zip(subtrees((0, size)), peaks, strict=True)
        hashes = {node: bytes.fromhex(value) for node, value in found.items()}
        return Kept(size, hashes, {row.seq: row.project for row in rows})

    async def all(self, *, batch: int = 1000) -> AsyncIterator[list[Stored]]:
        """Every row, in order, a batch at a time; plain columns, since rows of objects take longer than hashing."""
        after = -1
        while True:
            query = select(*_COLUMNS).where(EntryRow.seq > after).order_by(EntryRow.seq).limit(batch)
            rows = [Stored(*row) for row in (await self._tx.execute(query)).all()]
            if rows:
                yield rows
            if len(rows) < batch:
                return
            after = rows[-1].seq

    async def insert_checkpoint(self, checkpoint: Checkpoint) -> None:
        await self._tx.execute(insert(CheckpointRow).values(**checkpoint.content(), envelope=dict(checkpoint.envelope)))

    async def last_checkpoint(self) -> Checkpoint | None:
        row = await self._tx.scalar(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1))
        return None if row is None else _checkpoint(row)

    async def first_checkpoint_over(self, seq: int) -> Checkpoint | None:
        """The smallest checkpoint that covers entry `seq`."""
        query = select(CheckpointRow).where(CheckpointRow.size > seq).order_by(CheckpointRow.size).limit(1)
        row = await self._tx.scalar(query)
        return None if row is None else _checkpoint(row)

    async def first_checkpoints_over(self, seqs: Collection[int]) -> dict[int, Checkpoint]:
        """The smallest checkpoint that covers each of these entries; none for one that is younger than all of them."""
        smallest = select(func.min(CheckpointRow.size)).where(CheckpointRow.size > EntryRow.seq)
        covered = select(EntryRow.seq, smallest.correlate(EntryRow).scalar_subquery().label("size"))
        over = covered.where(EntryRow.seq.in_(seqs)).subquery()
        rows = await self._tx.execute(select(over.c.seq, CheckpointRow).join(over, over.c.size == CheckpointRow.size))
        return {seq: _checkpoint(row) for seq, row in rows.all()}

    async def checkpoints(self) -> list[Checkpoint]:
        return [_checkpoint(row) for row in await self._tx.scalars(select(CheckpointRow).order_by(CheckpointRow.size))]


def _entry(content: str) -> Entry:
    return entry_of(decode_json(content.encode()))


def _checkpoint(row: CheckpointRow) -> Checkpoint:
    return Checkpoint(origin=row.origin, size=row.size, root=row.root, time=row.time, envelope=row.envelope)
