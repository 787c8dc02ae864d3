"""Pages and their cursors."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.kernel.errors import Invalid
from sekisho.kernel.pages import Cursor, page_of, parse_cursor, parse_limit


def _written(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    ["?", "é", _written("[1"), _written('{"a":1}'), _written('["1","a"]'), _written("[1]"), _written(f'[{2**64},"a"]')],
)
def test_another_text_is_no_cursor(text: str) -> None:
    """What this server did not write is refused with the field and the mend, also a time that no database holds."""
    with pytest.raises(Invalid) as refused:
        parse_cursor(text)
    assert [field.path for field in refused.value.fields] == ["$.cursor"]


@pytest.mark.parametrize("limit", [0, 201])
def test_a_limit_has_bounds(limit: int) -> None:
    """None and more than the most are refused."""
    with pytest.raises(Invalid, match="limit"):
        parse_limit(limit)


@given(st.integers(0, 2**53 - 1), st.text(st.characters(codec="utf-8", min_codepoint=1)))
def test_a_cursor_reads_back(time: int, identity: str) -> None:
    """Whatever an id says: cases may have quotes and backslashes in theirs."""
    assert parse_cursor(Cursor(time, identity).encode()) == Cursor(time, identity)


def test_a_page_names_its_last_row_where_there_is_another() -> None:
    """One row more than asked for says that a page follows; without it the listing ends here."""
    following = Cursor(2, "b").encode()
    assert page_of("abc", 2, lambda letter: Cursor(ord(letter) - 96, letter)).next_cursor == following
    assert page_of("ab", 2, lambda letter: Cursor(0, letter)).next_cursor is None
    assert page_of("", 2, lambda letter: Cursor(0, letter)).items == ()
