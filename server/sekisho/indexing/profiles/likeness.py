"""Documents that say the same, or nearly. Pure.

Nearly: by bottom-k sketches of word shingles (A. Broder, *On the resemblance and containment of documents*, 1997). A
document is the set of its runs of five words, or of eight characters where it is written without spaces; the 256
smallest hashes of the set stand for it, and from two sketches the Jaccard index of the sets is estimated with a
standard error of at most 1/√256 ÷ 2, about .03.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import struct
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sekisho.indexing.profiles.types import Alike

SKETCH: Final = 256
NEARLY_BP: Final = 8_000
_WORDS: Final = 5
_CHARACTERS: Final = 8
_KEYS: Final = 8
"""Two sets with a Jaccard index of .8 have one of their 8 smallest hashes in common but for a chance below 1 in 10⁵."""
_CROWD: Final = 200
"""Pairs are looked at within so many documents that share a key: a phrase of all of them makes no quadratic work."""
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_SPACE: Final = re.compile(r"\s+")
_FIRST_EIGHT: Final = struct.Struct("<Q")

Sketch = Sequence[int]


def normal(text: str) -> str:
    """The text as likeness sees it: without letter case, with single spaces."""
    return _SPACE.sub(" ", text).strip().casefold()


def sketch_of(text: str) -> Sketch:
    """Of a normal text; empty where it has fewer than one shingle."""
    unspaced = len(_UNSPACED.findall(text)) * 5 > len(text)
    units: Sequence[str] = text.replace(" ", "") if unspaced else text.split(" ")
    size, joint = (_CHARACTERS, "") if unspaced else (_WORDS, " ")
    shingles = {joint.join(units[start : start + size]) for start in range(len(units) - size + 1)}
    # Eight bytes a hash, where a tuple of Python's numbers takes forty: a worker holds one sketch a document.
    return array("Q", heapq.nsmallest(SKETCH, {_hash(shingle) for shingle in shingles}))


def _hash(text: str) -> int:
    found: int = _FIRST_EIGHT.unpack(hashlib.blake2b(text.encode(), digest_size=8).digest())[0]
    return found


def resemblance_bp(one: Sketch, other: Sketch) -> int:
    """The estimated Jaccard index, in basis points."""
    union = heapq.nsmallest(SKETCH, {*one, *other})
    both = set(one) & set(other)
    return 10_000 * sum(value in both for value in union) // len(union) if union else 0


def same(digests: Mapping[str, str]) -> list[Alike]:
    """Groups of documents with the same digest, the largest first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for path, digest in digests.items():
        groups[digest].append(path)
    return _sorted(Alike(documents=tuple(sorted(paths)), similarity_bp=10_000) for paths in groups.values())


def nearly_same(sketches: Mapping[str, Sketch]) -> list[Alike]:
    """Groups of documents joined by pairs of at least `NEARLY_BP`, the largest first."""
    crowds: dict[int, list[str]] = defaultdict(list)
    for path, sketch in sketches.items():
        for key in sketch[:_KEYS]:
            crowds[key].append(path)
    pairs = {
        (one, other)
        for crowd in crowds.values()
        for place, one in enumerate(crowd[:_CROWD])
        for other in crowd[place + 1 : _CROWD]
    }
    found = {pair: resemblance_bp(sketches[pair[0]], sketches[pair[1]]) for pair in sorted(pairs)}
    return _grouped({pair: value for pair, value in found.items() if value >= NEARLY_BP})


def _grouped(pairs: Mapping[tuple[str, str], int]) -> list[Alike]:
    root = _union(pairs)
    groups: dict[str, set[str]] = defaultdict(set)
    least: dict[str, int] = {}
    for (one, other), value in pairs.items():
        top = root(one)
        groups[top] |= {one, other}
        least[top] = min(value, least.get(top, value))
    return _sorted(Alike(documents=tuple(sorted(group)), similarity_bp=least[top]) for top, group in groups.items())


def _union(pairs: Iterable[tuple[str, str]]) -> Callable[[str], str]:
    above: dict[str, str] = {}

    def root(name: str) -> str:
        while above.get(name, name) != name:
            above[name] = above.get(above[name], above[name])
            name = above[name]
        return name

    for one, other in pairs:
        above[root(one)] = root(other)
    return root


def _sorted(groups: Iterable[Alike]) -> list[Alike]:
    several = [group for group in groups if len(group.documents) > 1]
    return sorted(several, key=lambda group: (-len(group.documents), group.documents))
