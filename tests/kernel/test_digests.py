"""Digests over canonical JSON."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.kernel.digests import canonical_json, decode_canonical, digest_of, is_digest
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


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(["\x7f", '\\"/', ":1.5", "\u2028", "\ufb33", "\U0001f600", "1e5", "\b\x01"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=500)
@given(anything)
def test_the_quick_way_gives_the_bytes_of_the_reference(value: Any) -> None:
    """Whichever way is taken, the bytes are those of RFC 8785's own encoder."""
    assert canonical_json(value) == rfc8785.dumps(value)


@settings(max_examples=300)
@given(values, st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_only_the_canonical_form_is_taken_for_it(value: Any, place: int, other: bytes) -> None:
    """Read back it is the value in its one form; with any bytes changed it is that of another value, or none."""
    data = canonical_json(value)
    assert decode_canonical(data) == (value, True)
    changed = data[:place] + other + data[place + len(other) :]
    try:
        found, canonical = decode_canonical(changed)
    except Invalid:
        return
    assert canonical is (rfc8785.dumps(found) == changed)


@pytest.mark.parametrize(
    "data",
    [b'{"b":1,"a":2}', b'{"a": 1}', b"[1.0]", b"[1e3]", b'"\\u0041"', b"1.0",
     b'{"\xef\xac\xb3":1,"\xf0\x9f\x98\x80":2}', b"[-0]"],
)  # fmt: skip
def test_another_form_of_a_value_is_seen(data: bytes) -> None:
    """Order, blanks, numbers and escapes that canonical JSON writes otherwise."""
    assert decode_canonical(data)[1] is False


@pytest.mark.parametrize("data", [b'{"a":1,"a":1}', b'"\\u0000"', b"[" * 65 + b"]" * 65, b"{", b"\xff", b"NaN"])
def test_what_is_not_strict_json_is_no_value(data: bytes) -> None:
    """Twice the same key, NUL, too deep, torn, not text."""
    with pytest.raises(Invalid):
        decode_canonical(data)


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
