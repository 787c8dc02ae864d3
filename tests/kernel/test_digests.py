"""Digests over canonical JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.kernel.digests import canonical_flat, canonical_json, digest_of, is_digest
from sekisho.kernel.errors import Invalid
from sekisho.kernel.json import decode_json

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8", min_codepoint=1)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8", min_codepoint=1), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_canonical_json_reads_back(value: Any) -> None:
    """The bytes mean the value, and the value has no other bytes."""
    data = canonical_json(value)
    assert decode_json(data) == value
    assert canonical_json(decode_json(data)) == data
    assert is_digest(digest_of(value))


@given(
    st.dictionaries(st.text(st.characters(codec="ascii"), max_size=5), st.text(), max_size=4)
    | st.lists(st.text() | st.integers(0, 2**53 - 1), max_size=4)
)
def test_flat_values_have_the_same_canonical_bytes(value: Any) -> None:
    """The fast way writes what the general one writes, and refuses what that refuses: lone surrogates."""
    try:
        expected = canonical_json(value)
    except Invalid:
        with pytest.raises(Invalid):
            canonical_flat(value)
    else:
        assert canonical_flat(value) == expected


def test_order_of_keys_does_not_matter() -> None:
    """Members are sorted by UTF-16 code units, as RFC 8785 says: a surrogate pair stands before U+FB33."""
    keys = ["\u20ac", "b", "\U0001f600", "\ufb33"]
    one = canonical_json(dict.fromkeys(keys, 1))
    assert one == canonical_json(dict.fromkeys(reversed(keys), 1))
    assert list(decode_json(one)) == ["b", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize("value", [2**53, float("nan"), float("inf"), "\ud800", {1: 2}, {"a": object()}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    """Big integers, NaN, lone surrogates and other keys than strings."""
    with pytest.raises(Invalid):
        canonical_json(value)
