"""What was read of the indexes that were opened last: a search need not read all of an index's record anew."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sekisho.indexing.retrieval import Dated
from sekisho.indexing.terms import TermIndex
from sekisho.indexing.types import BuildRecord, Fingerprint
from sekisho.registry.index_kinds import DocumentFilter

MOST_CHUNKS: Final = 300_000
"""About 300 bytes each, and what their terms take."""
Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Read:
    """What follows from the manifest and the build record; `chosen` grows by each filter that was asked for."""

    chunks: Sequence[Fingerprint]
    ordinals: Mapping[str, int]
    terms: TermIndex | None
    dated: Mapping[str, Dated]
    chosen: dict[DocumentFilter, frozenset[int]] = field(default_factory=dict)


@dataclass
class RecentIndexes:
    """The last ones, of `most_chunks` together; the one opened last always.

    Whether an index may be searched at all is no part of it: that is asked at every opening. What was read before the
    store was last looked at counts no more, since filters ask the store. Of one event loop.
    """

    most_chunks: int = MOST_CHUNKS
    _known: OrderedDict[Key, Read] = field(default_factory=OrderedDict, init=False, repr=False)

    def get(self, record: BuildRecord) -> Read | None:
        key = _key(record)
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key)

    def keep(self, record: BuildRecord, read: Read) -> None:
        self.forget(record.digest)
        self._known[_key(record)] = read
        while len(self._known) > 1 and sum(len(one.chunks) for one in self._known.values()) > self.most_chunks:
            self._known.popitem(last=False)

    def forget(self, digest: str) -> None:
        """All that is known of the index."""
        for key in [key for key in self._known if key[0] == digest]:
            del self._known[key]


def _key(record: BuildRecord) -> Key:
    """The digest decides the chunks; another build of it may have vectors of other bits. Builds are looks too."""
    return record.digest, record.vectors_root, record.checked_at
