"""Whether single entries stand in the log, at the cost of a few rows each: what a use case rests on is proven so.

`verify` takes the whole log anew. In between, an entry that somebody wrote into the table by hand is seen by this: its
bytes are hashed, and the path from there must lead to a root that was signed, or, of what is younger than every
checkpoint, to the log's head. Whoever moves the head along with it is not seen by either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sekisho.kernel.errors import IntegrityFailed
from sekisho.ledger import merkle
from sekisho.ledger.audit import open_checkpoint
from sekisho.ledger.signing import PublicKey
from sekisho.ledger.store import Kept, LedgerStore
from sekisho.ledger.types import Checkpoint, Entry

MAX_REMEMBERED: Final = 10_000
_Root = tuple[int, bytes]


@dataclass
class Proofs:
    """Remembers what it has proven: a log only grows, so the same bytes at the same place stay where they are."""

    _known: set[tuple[int, bytes]] = field(default_factory=set)

    async def lacking(
        self, store: LedgerStore, keys: Mapping[str, PublicKey], entries: Iterable[Entry]
    ) -> tuple[Entry, ...]:
        """Those of these entries that do not stand in the log."""
        todo = [entry for entry in entries if (entry.seq, entry.leaf()) not in self._known]
        if not todo:
            return ()
        head = (await store.head()).frontier
        over = await store.first_checkpoints_over([entry.seq for entry in todo])
        roots = {entry.seq: _root_over(over.get(entry.seq), keys, entry.seq, head) for entry in todo}
        ways = {seq: merkle.inclusion_ranges(seq, root[0]) for seq, root in roots.items() if root is not None}
        kept = await store.kept([node for ranges in ways.values() for node in _nodes(ranges)])
        missing = []
        for entry in todo:
            root = roots[entry.seq]
            if root is not None and _leads_to(kept, entry, ways[entry.seq], root):
                self._remember(entry)
            else:
                missing.append(entry)
        return tuple(missing)

    def _remember(self, entry: Entry) -> None:
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known.add((entry.seq, entry.leaf()))


def _root_over(
    checkpoint: Checkpoint | None, keys: Mapping[str, PublicKey], seq: int, head: merkle.Frontier
) -> _Root | None:
    """The first that was signed over the entry: whoever came later has no part in it. Else the head's."""
    if checkpoint is None:
        return (head.size, head.root) if seq < head.size else None
    try:
        signed = open_checkpoint(checkpoint.envelope, keys)
        return (signed.size, merkle.raw(signed.root)) if signed.size > seq else None
    except (IntegrityFailed, ValueError):
        return None


def _leads_to(kept: Kept, entry: Entry, ranges: Sequence[merkle.Range], root: _Root) -> bool:
    size, expected = root
    try:
        proof = merkle.proof_from(ranges, kept.hashes.__getitem__)
    except KeyError:
        return False
    return merkle.verify_inclusion(entry.leaf(), entry.seq, size, proof, expected)


def _nodes(ranges: Sequence[merkle.Range]) -> list[merkle.Node]:
    return [node for leaves in ranges for node in merkle.subtrees(leaves)]
