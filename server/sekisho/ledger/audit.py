"""Recomputing the log from its first entry, and holding what the rooms keep to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec import MsgspecError

from sekisho.kernel.digests import decode_canonical
from sekisho.kernel.errors import IntegrityFailed, Invalid, SekishoError
from sekisho.kernel.json import decode_json
from sekisho.ledger import merkle
from sekisho.ledger.signing import CHECKPOINT_TYPE, PublicKey
from sekisho.ledger.types import SCHEMA, Checkpoint, Entry, Stored, Verification, entry_of, is_kind
from sekisho.ledger.witness import Standing, Witness, held

if TYPE_CHECKING:
    from sekisho.kernel.database import Transaction  # who verifies offline has no database

MAX_PROBLEMS: Final = 100


@dataclass
class Audit:
    """Fed with every row in order, then with the head; knows at the end what does not hold.

    Leaf and subtree hashes are computed afresh from each entry's bytes and compared with the kept ones;
    so are the roots at the size of every checkpoint.
    """

    checkpoints: Sequence[Checkpoint]
    keys: Mapping[str, PublicKey]
    witnesses: Sequence[Witness] = ()
    frontier: merkle.Frontier = field(default_factory=merkle.Frontier)
    problems: list[str] = field(default_factory=list)
    _roots: dict[int, str] = field(default_factory=dict)
    _standing: list[Standing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._standing = [{} for _ in self.witnesses]
        self._by_kind: dict[str, list[int]] = {}
        for place, witness in enumerate(self.witnesses):
            for kind in witness.kinds:
                self._by_kind.setdefault(kind, []).append(place)
        self._wanted = {checkpoint.size for checkpoint in self.checkpoints}
        if 0 in self._wanted:
            self._note_root()

    def entries(self, rows: Iterable[Stored]) -> None:
        """The next rows, as stored."""
        for row in rows:
            if row.seq == self.frontier.size:
                self._entry(row)
            else:
                self._report(f"entry {self.frontier.size} is missing; the next one is {row.seq}")

    def _entry(self, row: Stored) -> None:
        data = row.content.encode()
        self._check_content(row, data)
        leaf = merkle.leaf_hash(data)
        if leaf.hex() != row.leaf_hash:
            self._report(f"entry {row.seq}: its bytes do not have the kept leaf hash")
        self.frontier, completed = self.frontier.appended(leaf)
        if _hashes(completed) != row.subtrees:
            self._report(f"entry {row.seq}: the kept subtree hashes are not those of the entries")
        if self.frontier.size in self._wanted:
            self._note_root()

    async def rows(self, tx: Transaction) -> None:
        """Hold every witness's table to the entries. Call it once, after the last entry."""
        for witness, standing in zip(self.witnesses, self._standing, strict=True):
            try:
                async for problem in held(tx, witness, standing):
                    self._report(problem)
            except (SekishoError, LookupError, TypeError, ValueError, MsgspecError) as error:
                # What was written by hand need not be of a row's form; the other tables are looked at all the same.
                self._report(f"{witness.what}: a row does not read back: {type(error).__name__}: {error}")

    def finish(self, origin: str | None, head: merkle.Frontier) -> Verification:
        """Compare with the head and the checkpoints."""
        if head != self.frontier:
            self._report(f"the head says {head.size} entries, and the log has {self.frontier.size} or another root")
        for checkpoint in self.checkpoints:
            self._check_checkpoint(checkpoint, origin)
        return Verification(
            entries=self.frontier.size,
            checkpoints=len(self.checkpoints),
            root=merkle.text(self.frontier.root),
            problems=tuple(self.problems),
        )

    def _check_content(self, row: Stored, data: bytes) -> None:
        try:
            content, canonical = decode_canonical(data)
        except Invalid as error:
            self._report(f"entry {row.seq}: {error}")
            return
        if not canonical:
            self._report(f"entry {row.seq}: its bytes are not canonical JSON")
        if not _says(content, row):
            self._explain(content, row)
        elif row.kind in self._by_kind:
            self._tell(entry_of(content))

    def _explain(self, content: Any, row: Stored) -> None:
        """What is wrong with an entry that is none, or that is not what its row's columns say."""
        try:
            entry = entry_of(content)
        except ValueError as error:
            self._report(f"entry {row.seq}: {error}")
            return
        if entry.seq != row.seq:
            self._report(f"entry {row.seq}: its bytes say it is entry {entry.seq}")
        for name in ("time", "kind", "project", "principal", "subject"):
            kept, said = getattr(row, name), getattr(entry, name)
            if kept != said:
                self._report(f"entry {row.seq}: the column {name} is {kept!r}, its bytes say {said!r}")
        self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        for place in self._by_kind.get(entry.kind, ()):
            try:
                self.witnesses[place].told(entry, self._standing[place])
            except (KeyError, TypeError) as error:
                self._report(f"entry {entry.seq}: {entry.kind} is not what it should be: {error!r}")

    def _check_checkpoint(self, checkpoint: Checkpoint, origin: str | None) -> None:
        name = f"checkpoint of size {checkpoint.size}"
        if checkpoint.origin != origin:
            self._report(f"{name}: it is of the log {checkpoint.origin}, not {origin}")
        if checkpoint.size > self.frontier.size:
            self._report(f"{name}: the log has only {self.frontier.size} entries")
        elif self._roots.get(checkpoint.size) != checkpoint.root:
            self._report(f"{name}: the entries have another root")
        try:
            signed = open_checkpoint(checkpoint.envelope, self.keys)
        except IntegrityFailed as error:
            self._report(f"{name}: {error.detail}")
            return
        if signed.content() != checkpoint.content():
            self._report(f"{name}: what is signed is not what the row says")

    def _note_root(self) -> None:
        self._roots[self.frontier.size] = merkle.text(self.frontier.root)

    def _report(self, problem: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def _says(content: Any, row: Stored) -> bool:
    """Whether the bytes are an entry with exactly what the columns say. `Entry` would be slower to make and compare."""
    if not isinstance(content, dict) or not isinstance(body := content.get("body"), dict) or not is_kind(row.kind):
        return False
    said = {
        "schema": SCHEMA, "seq": row.seq, "time": row.time, "kind": row.kind, "project": row.project,
        "principal": row.principal, "body": body,
    }  # fmt: skip
    return bool(content == (said if row.subject is None else {**said, "subject": row.subject}))


def _hashes(values: Sequence[bytes]) -> str:
    """Canonical JSON of hashes in hexadecimal."""
    return "[" + ",".join([f'"{value.hex()}"' for value in values]) + "]"


def open_checkpoint(envelope: Any, keys: Mapping[str, PublicKey]) -> Checkpoint:
    """The checkpoint that one of these keys (by keyid) signed. Raises `IntegrityFailed`."""
    signatures = envelope.get("signatures") if isinstance(envelope, Mapping) else None
    first = signatures[0] if isinstance(signatures, list) and signatures else None
    keyid = first.get("keyid") if isinstance(first, Mapping) else None
    key = keys.get(keyid) if isinstance(keyid, str) else None
    if key is None:
        if len(keys) != 1:
            raise IntegrityFailed(f"the checkpoint is signed by a key that is not known here: {keyid!r:.20}")
        key = next(iter(keys.values()))
    try:
        content = decode_json(key.verify(envelope, CHECKPOINT_TYPE))
    except Invalid as error:
        raise IntegrityFailed(f"the signed checkpoint is not JSON: {error}") from error
    match content:
        case {"origin": str(origin), "size": int(size), "root": str(root), "time": int(time), **rest} if not rest:
            return Checkpoint(origin=origin, size=size, root=root, time=time, envelope=envelope)
        case _:
            raise IntegrityFailed("what is signed as a checkpoint does not have a checkpoint's fields")
