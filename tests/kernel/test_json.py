"""Strict JSON."""

from __future__ import annotations

import pytest

from sekisho.kernel.errors import Invalid
from sekisho.kernel.json import MAX_DEPTH, decode_json


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b'{"a": 1, "a": 2}', "$..a", id="a key twice"),
        pytest.param(b'{"a": "\x00"}', "line 1", id="a raw NUL"),
        pytest.param(b'{"a": "\\u0000"}', "$.a: holds a NUL", id="an escaped NUL"),
        pytest.param(
            b'{"b": 1, "a": [{}, {"c": ["x", "\\u0000"]}]}', "$.a[1].c[1]: holds a NUL", id="a NUL further down"
        ),
        pytest.param(b'{"\\u0000": 1}', "$: holds a NUL", id="a NUL in a key"),
        pytest.param(b'{"a": NaN}', "NaN", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "Infinity", id="infinity"),
        pytest.param(b"[" + b"9" * 5_000 + b"]", "too many digits", id="a number that Python does not convert"),
        pytest.param(b'"\xff"', "byte 1", id="not UTF-8"),
        pytest.param(b"{", "line 1 column 2", id="cut short"),
        pytest.param(b"[" * 70 + b"]" * 70, str(MAX_DEPTH), id="too deep"),
        pytest.param(b'{"a": 1, "b": ' + b"[" * 70 + b"]" * 70 + b"}", "$.b[0][0]", id="too deep somewhere"),
        pytest.param(b"[" * 100_000, str(MAX_DEPTH), id="so deep that the parser gives up"),
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes, told: str) -> None:
    """Each is refused with its place."""
    with pytest.raises(Invalid) as caught:
        decode_json(data)
    assert told in str(caught.value)


def test_a_written_out_escape_is_no_nul() -> None:
    """A backslash that is itself escaped stays text."""
    assert decode_json(b'"\\\\u0000"') == "\\u0000"
