"""Tokens: what is compared, and where it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation.grounding.terms import cjk_share, sentences, tokens


def test_numbers_have_one_spelling() -> None:
    """Separators, trailing zeros and small numbers in words come out the same."""
    assert [t.key for t in tokens("1,200 1200 4.0 4 four ３０") if t.number] == ["1200", "1200", "4", "4", "4", "30"]


def test_a_capital_inside_a_sentence_is_a_name() -> None:
    """Not at its beginning, where every word has one, nor a month."""
    assert [t.key for t in tokens("Bridges were built by Clara in March.") if t.name] == ["clara"]


def test_cjk_runs_become_pairs() -> None:
    """Overlapping, each with its own place."""
    assert [(t.key, t.start, t.end) for t in tokens("関所は")] == [("関所", 0, 2), ("所は", 1, 3)]


def test_bullets_and_heading_marks_are_no_part_of_a_sentence() -> None:
    """The place is that of the words."""
    text = "# Title\n- One thing.\n2. Another thing."
    assert [text[s:e] for s, e in sentences(text)] == ["Title", "One thing.", "Another thing."]


def test_the_share_of_cjk_counts_letters_only() -> None:
    """Digits and marks say nothing of the language."""
    assert cjk_share("免除 30 --- ") == 1.0
    assert cjk_share("12 %") == 0.0


@given(st.text(max_size=300))
def test_every_token_stands_where_it_says(text: str) -> None:
    """Whatever the text: offsets lie inside it, in order, and hold something."""
    found = tokens(text)
    assert all(0 <= t.start < t.end <= len(text) and t.key for t in found)
    assert [t.start for t in found] == sorted(t.start for t in found)
