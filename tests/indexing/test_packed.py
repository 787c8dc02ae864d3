"""Ids, digests and fingerprints in bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.indexing.packed import Fingerprints, digests, ids
from sekisho.indexing.types import Fingerprint, drift_between, root_of

WORDS = st.lists(st.binary(min_size=32, max_size=32).map(lambda data: f"sha256:{data.hex()}"), min_size=1, max_size=20)


@given(WORDS)
def test_digests_come_back_as_they_went_in(words: list[str]) -> None:
    """Appended or put in their place; one by one, all in order, a stretch, from the end."""
    appended, placed = digests(), digests(len(words))
    for place, word in enumerate(words):
        appended.append(word)
        placed[place] = word
    assert list(appended) == list(placed) == words
    assert (appended[-1], appended[1:]) == (words[-1], words[1:])
    assert len(appended) == len(words)
    with pytest.raises(IndexError):
        appended[len(words)]


@pytest.mark.parametrize(
    "word", ["", "sha256:", "sha256:" + "A" * 64, "sha256:" + "a" * 62, "a" * 64, "md5:" + "a" * 64]
)
def test_what_would_come_back_as_another_word_is_refused(word: str) -> None:
    """No other case, length or prefix, and no neighbour is touched."""
    held = digests(2)
    with pytest.raises(ValueError, match="hexadecimal"):
        held[0] = word
    with pytest.raises(ValueError, match="hexadecimal"):
        held.append(word)
    assert list(held) == ["sha256:" + "0" * 64] * 2


@given(WORDS)
def test_fingerprints_are_those_of_their_columns(words: list[str]) -> None:
    """One by one and in order; the store compares with them as with a plain list."""
    names, hashes = ids(), digests()
    for place, word in enumerate(words):
        names.append(f"{place:032x}")
        hashes.append(word)
    made = Fingerprints(names, hashes, hashes)
    plain = [Fingerprint(place, f"{place:032x}", word, word) for place, word in enumerate(words)]
    assert list(made) == [made[place] for place in range(len(made))] == made[:] == plain
    assert not drift_between(made, reversed(plain), root_of(words)).found
    assert drift_between(made, plain[1:], root_of(words)).missing == (plain[0].chunk_id,)
