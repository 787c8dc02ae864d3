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
from sekisho.ledger.store import LedgerStore
from sekisho.ledger.types import Entry

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
        missing = []
        head = (await store.head()).frontier
        for entry in todo:
            root = await _root_over(store, keys, entry.seq, head)
            if root is not None and await _leads_to(store, entry, root):
                self._remember(entry)
            else:
                missing.append(entry)
        return tuple(missing)

    def _remember(self, entry: Entry) -> None:
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known.add((entry.seq, entry.leaf()))


async def _root_over(
    store: LedgerStore, keys: Mapping[str, PublicKey], seq: int, head: merkle.Frontier
) -> _Root | None:
    """The first that was signed over the entry: whoever came later has no part in it. Else the head's."""
    checkpoint = await store.first_checkpoint_over(seq)
    if checkpoint is None:
        return (head.size, head.root) if seq < head.size else None
    try:
        signed = open_checkpoint(checkpoint.envelope, keys)
        return (signed.size, merkle.raw(signed.root)) if signed.size > seq else None
    except (IntegrityFailed, ValueError):
        return None


async def _leads_to(store: LedgerStore, entry: Entry, root: _Root) -> bool:
    size, expected = root
    ranges = merkle.inclusion_ranges(entry.seq, size)
    kept = await store.kept(_nodes(ranges))
    try:
        proof = merkle.proof_from(ranges, kept.hashes.__getitem__)
    except KeyError:
        return False
    return merkle.verify_inclusion(entry.leaf(), entry.seq, size, proof, expected)


def _nodes(ranges: Sequence[merkle.Range]) -> list[merkle.Node]:
    return [node for leaves in ranges for node in merkle.subtrees(leaves)]
