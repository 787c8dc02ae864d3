"""The Merkle tree against the recursive definitions of RFC 9162 and known vectors."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.ledger import merkle

VECTORS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]

items = st.lists(st.binary(max_size=4), min_size=1, max_size=40)


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(data: list[bytes]) -> bytes:
    """MTH of section 2.1.1, word for word."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1, word for word."""
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], b: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1, word for word."""
    if m == len(data):
        return [] if b else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], b), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def hashes(data: list[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(item) for item in data]


def test_known_vectors() -> None:
    """The roots are the ones of the Certificate Transparency reference tests."""
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES]
    assert [merkle.root(hashes(leaves[: n + 1])).hex() for n in range(8)] == VECTORS


def test_root_of_nothing() -> None:
    """The root of an empty tree is the hash of the empty string."""
    assert merkle.merkle_root_of([]) == "sha256:" + hashlib.sha256(b"").hexdigest()


@given(items)
def test_root_is_the_recursive_one(data: list[bytes]) -> None:
    """Appending leaf by leaf gives the root of the recursive definition."""
    assert merkle.root(hashes(data)) == mth(data)


@given(items, st.data())
def test_inclusion(data: list[bytes], draw: st.DataObject) -> None:
    """Every leaf's proof is the RFC's, and verifies."""
    index = draw.draw(st.integers(0, len(data) - 1))
    proof = merkle.inclusion_proof(hashes(data), index)
    assert proof == path(index, data)
    assert merkle.verify_inclusion(merkle.leaf_hash(data[index]), index, len(data), proof, mth(data))


@given(items, st.data())
def test_consistency(data: list[bytes], draw: st.DataObject) -> None:
    """Every beginning's proof is the RFC's, and verifies."""
    first = draw.draw(st.integers(1, len(data)))
    proof = merkle.consistency_proof(hashes(data), first)
    assert proof == subproof(first, data, True)
    assert merkle.verify_consistency(first, len(data), mth(data[:first]), mth(data), proof)


@given(items, st.data())
def test_kept_subtrees_give_the_same_proofs(data: list[bytes], draw: st.DataObject) -> None:
    """Proofs made from the subtrees that appending completed equal those made from all leaves."""
    leaves, frontier, kept = hashes(data), merkle.Frontier(), {}
    for seq, leaf in enumerate(leaves):
        frontier, completed = frontier.appended(leaf)
        for level, value in enumerate((leaf, *completed)):
            kept[level, seq >> level] = value
            assert merkle.last_leaf((level, seq >> level)) == seq
    size = draw.draw(st.integers(1, len(data)))
    index = draw.draw(st.integers(0, size - 1))
    first = draw.draw(st.integers(0, size))
    assert merkle.proof_from(merkle.inclusion_ranges(index, size), kept.__getitem__) == merkle.inclusion_proof(
        leaves[:size], index
    )
    assert merkle.proof_from(merkle.consistency_ranges(first, size), kept.__getitem__) == merkle.consistency_proof(
        leaves[:size], first
    )
    assert merkle.proof_from([(0, size)], kept.__getitem__) == [mth(data[:size])]


@given(st.integers(1, 300), st.data())
def test_what_stands_beside_a_leaf_suffices(size: int, draw: st.DataObject) -> None:
    """Whatever the size, proofs are made of what stands beside a leaf and of the trees' largest subtrees."""
    index, first = draw.draw(st.integers(0, size - 1)), draw.draw(st.integers(0, size))
    wanted = [node for leaves in merkle.inclusion_ranges(index, size) for node in merkle.subtrees(leaves)]
    assert {*wanted} <= {*merkle.beside(index), *merkle.subtrees((0, size))}
    wanted = [node for leaves in merkle.consistency_ranges(first, size) for node in merkle.subtrees(leaves)]
    known = {*merkle.beside(first - 1), *merkle.subtrees((0, first)), *merkle.subtrees((0, size))}
    assert {*wanted} <= known


@given(items, st.data())
def test_a_changed_inclusion_proof_fails(data: list[bytes], draw: st.DataObject) -> None:
    """One flipped bit in leaf, proof or root, a hash too many or too few: none of them verifies."""
    index = draw.draw(st.integers(0, len(data) - 1))
    leaf, size, proof, top = merkle.leaf_hash(data[index]), len(data), path(index, data), mth(data)
    assert not merkle.verify_inclusion(flipped(leaf), index, size, proof, top)
    assert not merkle.verify_inclusion(leaf, index, size, proof, flipped(top))
    assert not merkle.verify_inclusion(leaf, index, size, [*proof, leaf], top)
    assert not merkle.verify_inclusion(leaf, size, size, proof, top)
    assert not merkle.verify_inclusion(leaf, -1, size, proof, top)
    for place in range(len(proof)):
        assert not merkle.verify_inclusion(leaf, index, size, proof[:place] + proof[place + 1 :], top)
        assert not merkle.verify_inclusion(leaf, index, size, changed(proof, place), top)


@given(items, st.data())
def test_a_changed_consistency_proof_fails(data: list[bytes], draw: st.DataObject) -> None:
    """A rewritten past has no consistency proof, and a changed proof does not verify."""
    first = draw.draw(st.integers(1, len(data)))
    old, new, proof = mth(data[:first]), mth(data), subproof(first, data, True)
    assert not merkle.verify_consistency(first, len(data), flipped(old), new, proof)
    assert not merkle.verify_consistency(first, len(data), old, flipped(new), proof)
    assert not merkle.verify_consistency(first, len(data), old, new, [*proof, old])
    assert not merkle.verify_consistency(len(data) + 1, len(data), old, new, proof)
    for place in range(len(proof)):
        assert not merkle.verify_consistency(first, len(data), old, new, changed(proof, place))
        assert not merkle.verify_consistency(first, len(data), old, new, proof[:place] + proof[place + 1 :])


def test_the_empty_tree_is_the_beginning_of_every_tree() -> None:
    """From size 0 there is nothing to prove, but the root must be the empty one."""
    top = mth([b"a"])
    assert merkle.verify_consistency(0, 1, merkle.EMPTY_ROOT, top, [])
    assert merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    assert not merkle.verify_consistency(0, 1, top, top, [])
    assert not merkle.verify_consistency(0, 1, merkle.EMPTY_ROOT, top, [top])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_proof_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    """Asking for a proof outside the tree is a ValueError."""
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_ranges(index, size)


def test_no_consistency_proof_backwards() -> None:
    """A larger tree is no beginning of a smaller one."""
    with pytest.raises(ValueError, match="no beginning"):
        merkle.consistency_ranges(4, 3)


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:00", "md5:" + "0" * 64, "0" * 64, "sha256:" + "g" * 64])
def test_text_that_is_no_hash(text: str) -> None:
    """Only what `text` writes reads back as a hash."""
    with pytest.raises(ValueError):
        merkle.raw(text)


def flipped(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def changed(proof: list[bytes], place: int) -> list[bytes]:
    return [flipped(value) if at == place else value for at, value in enumerate(proof)]
