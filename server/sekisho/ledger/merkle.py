"""The Merkle tree of RFC 9162, section 2.1: SHA-256, leaves prefixed 0x00, inner nodes 0x01. Pure.

Proofs are planned as ranges of leaves first. Every such range splits into perfect subtrees, whose hashes
never change once their last leaf stands; so one plan serves a list of leaf hashes and a table of subtrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

Node = tuple[int, int]
"""A perfect subtree: its level (0 is a leaf) and its place among those of that level."""

Range = tuple[int, int]
"""Leaves from the first (inclusive) to the second (exclusive)."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
HEIGHT: Final = 40
"""Levels above a leaf that `beside` goes: a log of a trillion entries is no higher."""


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that appending needs: how many leaves there are, and the largest perfect subtrees in order."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def appended(self, leaf: bytes) -> tuple[Frontier, tuple[bytes, ...]]:
        """The frontier with one leaf more, and the subtrees of level 1 and up that this leaf completes."""
        peaks, completed, carry = list(self.peaks), [], leaf
        for _ in range(trailing_ones(self.size)):
            carry = node_hash(peaks.pop(), carry)
            completed.append(carry)
        return Frontier(self.size + 1, (*peaks, carry)), tuple(completed)

    @property
    def root(self) -> bytes:
        return fold(self.peaks)


def trailing_ones(number: int) -> int:
    return (~number & (number + 1)).bit_length() - 1


def fold(peaks: Sequence[bytes]) -> bytes:
    """The hash over perfect subtrees that stand side by side, the largest first."""
    if not peaks:
        return EMPTY_ROOT
    result = peaks[-1]
    for peak in reversed(peaks[:-1]):
        result = node_hash(peak, result)
    return result


def subtrees(leaves: Range) -> list[Node]:
    """The perfect subtrees that make up a range which begins where the largest of them may begin."""
    first, end = leaves
    nodes = []
    while first < end:
        level = (end - first).bit_length() - 1
        nodes.append((level, first >> level))
        first += 1 << level
    return nodes


def last_leaf(node: Node) -> int:
    """The leaf that completes the subtree."""
    level, place = node
    return ((place + 1) << level) - 1


def beside(leaf: int) -> list[Node]:
    """The subtrees beside the way from a leaf up, whatever the size of the tree; those that it lacks are named too.

    With these and the largest subtrees of a tree the leaf's inclusion can be proven, and the consistency of the tree
    that it is the last leaf of (which takes the largest subtrees of that one besides).
    """
    return [(level, (leaf >> level) ^ 1) for level in range(HEIGHT)]


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes prove leaf `index` among `size` leaves, nearest the leaf first (2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    first, end, ranges = 0, size, []
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    return ranges[::-1]


def consistency_ranges(first_size: int, second_size: int) -> list[Range]:
    """The ranges whose hashes prove that the smaller tree is the beginning of the larger one (2.1.4.1)."""
    if not 0 <= first_size <= second_size:
        raise ValueError(f"a tree of {first_size} leaves is no beginning of one of {second_size}")
    if first_size in (0, second_size):
        return []
    first, end, ranges, whole = 0, second_size, [], True
    while first_size != end:
        middle = first + _split(end - first)
        if first_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first, whole = middle, False
    if not whole:
        ranges.append((first, end))
    return ranges[::-1]


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The Merkle tree hash over leaf hashes; of nothing it is the hash of the empty string."""
    peaks: list[bytes] = []
    for size, leaf in enumerate(leaf_hashes):
        carry = leaf
        for _ in range(trailing_ones(size)):
            carry = node_hash(peaks.pop(), carry)
        peaks.append(carry)
    return fold(peaks)


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Raises ValueError where there is no such leaf."""
    return [root(leaf_hashes[first:end]) for first, end in inclusion_ranges(index, len(leaf_hashes))]


def consistency_proof(leaf_hashes: Sequence[bytes], first_size: int) -> list[bytes]:
    """Proof that the tree of the first `first_size` leaves is the beginning of the whole one."""
    return [root(leaf_hashes[first:end]) for first, end in consistency_ranges(first_size, len(leaf_hashes))]


def proof_from(ranges: Sequence[Range], kept: Callable[[Node], bytes]) -> list[bytes]:
    """The proof's hashes, from kept hashes of perfect subtrees."""
    return [fold([kept(node) for node in subtrees(leaves)]) for leaves in ranges]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2. `size` and root must come from one trusted place: a signed checkpoint."""
    if not 0 <= index < size:
        return False
    place, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            result = node_hash(sibling, result)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and result == expected_root


def verify_consistency(
    first_size: int, second_size: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """RFC 9162, section 2.1.4.2; besides, the empty tree is the beginning of every tree."""
    if not 0 <= first_size <= second_size:
        return False
    if first_size == 0:
        return not proof and first_root == EMPTY_ROOT and (second_size > 0 or second_root == EMPTY_ROOT)
    if first_size == second_size:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first_size & (first_size - 1) == 0 else list(proof)
    if not path:
        return False
    place, last = first_size - 1, second_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def merkle_root_of(items: Iterable[bytes]) -> str:
    """``sha256:…`` of the tree whose leaves are these byte strings, in this order."""
    return text(root(map(leaf_hash, items)))


def text(digest: bytes) -> str:
    """A hash as Sekisho writes digests."""
    return "sha256:" + digest.hex()


def raw(digest: str) -> bytes:
    """The bytes of a hash written by `text`. Raises ValueError."""
    prefix, colon, digits = digest.partition(":")
    value = bytes.fromhex(digits)
    if prefix + colon != "sha256:" or len(value) != 32:
        raise ValueError(f"{digest!r} is not a sha256 hash")
    return value


def _split(count: int) -> int:
    """The largest power of two smaller than `count`, for counts over 1."""
    return 1 << ((count - 1).bit_length() - 1)
