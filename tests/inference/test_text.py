"""Words and sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.inference.text import sentence_spans, terms


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It weighs 3.5 kg. See v1.2.", ["It weighs 3.5 kg.", "See v1.2."]),
        ("Use a tool, e.g. Rego, or none.", ["Use a tool, e.g. Rego, or none."]),
        ("関所です。通れますか？「はい。」次へ。", ["関所です。", "通れますか？", "「はい。」", "次へ。"]),
        ("# Title\n\nBody one. Body two.", ["# Title", "Body one.", "Body two."]),
        ("- first\n- second\n1. third", ["- first", "- second", "1. third"]),
        ("Before.\n\n```\na. b. c.\n\nd.\n```\nAfter.", ["Before.", "```\na. b. c.\n\nd.\n```", "After."]),
        ("", []),
        ("  \n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    """Marks of both languages, list items and fenced blocks cut; numbers and abbreviations do not."""
    assert sentences(text) == expected


@given(st.text(alphabet="ab .。！\n`-#|1「」", max_size=80))
def test_no_character_but_space_is_lost(text: str) -> None:
    """Spans are in order, do not overlap, and hold all that is not white space."""
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Gate's gates", ["the", "gate", "gates"]),
        ("インデックス", ["イン", "ンデ", "デッ", "ック", "クス"]),
        ("版を v3 に", ["版を", "v3", "に"]),
        ("ＡＰＩキー", ["api", "キー"]),
        ("", []),
    ],
)
def test_terms_are_words_and_pairs_of_characters(text: str, expected: list[str]) -> None:
    """Width and case are folded; a script without spaces gives overlapping pairs."""
    assert terms(text) == expected
