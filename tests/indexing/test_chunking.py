"""Cutting documents."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.indexing.chunking import chunks_of
from sekisho.indexing.types import Chunk, Document, language_of
from sekisho.inference.text import terms


def words(text: str) -> int:
    return len(terms(text))


def cut(text: str, limit: int = 40, overlap: int = 0, media_type: str = "text/markdown") -> list[Chunk]:
    return chunks_of(Document("a/b.md", text, media_type, "en"), words, limit, overlap)


def bodies(text: str, limit: int = 40, overlap: int = 0, media_type: str = "text/markdown") -> list[str]:
    return [chunk.text.removeprefix(f"# {chunk.heading}\n\n") for chunk in cut(text, limit, overlap, media_type)]


def test_an_empty_document_has_no_chunks() -> None:
    """Neither nothing, nor white space, nor headings alone, nor front matter alone."""
    for text in ("", "  \n\n", "# Only\n\n## Headings\n", "---\ntitle: x\n---\n", "\ufeff"):
        assert cut(text) == []


def test_chunks_keep_to_their_heading() -> None:
    """No chunk reaches over a heading; each begins with its path of headings."""
    chunks = cut("Before.\n\n# One\n\nFirst.\n\n## Two\n\nSecond.\n\nThird.\n\n# Three\n\nFourth.\n")
    assert [chunk.heading for chunk in chunks] == ["", "One", "One > Two", "Three"]
    assert chunks[0].text == "Before."
    assert chunks[2].text == "# One > Two\n\nSecond.\n\nThird."


def test_paragraphs_are_packed_up_to_the_limit() -> None:
    """As many whole paragraphs as fit, and no more."""
    paragraph = " ".join(f"word{n}" for n in range(9)) + "."
    assert bodies("\n\n".join([paragraph] * 5), limit=20) == [f"{paragraph}\n\n{paragraph}"] * 2 + [paragraph]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    """Of both languages; a sentence over the limit is cut between words or, without spaces, between characters."""
    assert bodies("One two three four. Five six seven. Eight nine.", limit=5) == [
        "One two three four.",
        "Five six seven. Eight nine.",
    ]
    assert bodies("承認は失効します。免除には理由が要ります。期限も要ります。", limit=12) == [
        "承認は失効します。",
        "免除には理由が要ります。",
        "期限も要ります。",
    ]
    assert bodies("one two three four five six seven", limit=3) == ["one two three", "four five six", "seven"]
    assert "".join(bodies("関所" * 30, limit=10)) == "関所" * 30
    assert all(words(body) <= 10 for body in bodies("関所" * 30, limit=10))


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_fenced_block_is_never_cut(indent: str) -> None:
    """Whatever its length, and also inside a list; what looks like a heading in it is none."""
    lines = ["```python", "# not a heading. Nor two sentences.", "", *(f"line{n} = {n}" for n in range(30)), "```"]
    fence = "\n".join(indent + line if line else "" for line in lines)
    text = f"# Title\n\n- item\n\n{fence}\n\nAfter." if indent else f"# Title\n\nBefore.\n\n{fence}\n\nAfter."
    chunks = cut(text, limit=20)
    assert sum(fence.strip() in chunk.text for chunk in chunks) == 1
    assert {chunk.heading for chunk in chunks} == {"Title"}


def test_overlap_repeats_the_end_of_the_chunk_before() -> None:
    """Whole sentences up to the overlap; every chunk still brings something new."""
    text = " ".join(f"This is sentence number {n}." for n in range(10))
    found = bodies(text, limit=15, overlap=5)
    assert len(found) > 3
    for before, after in pairwise(found):
        assert before.split(". ")[-1].rstrip(".") == after.split(". ")[0].rstrip(".")
    assert found[-1].endswith("number 9.")


def test_an_id_stays_while_its_words_do() -> None:
    """A change elsewhere moves no id; equal paragraphs under one heading have ids of their own."""
    before = cut("# A\n\nSame.\n\n# B\n\nOther words here.\n")
    after = cut("# New\n\nNew.\n\n# A\n\nSame.\n\n# B\n\nOther words there.\n")
    assert before[0].id == after[1].id
    assert before[0].hash == after[1].hash
    assert before[1].id != after[2].id
    twice = cut("# A\n\nSame words.\n\nSame words.\n", limit=4)
    assert len({chunk.id for chunk in twice}) == len(twice) == 2


def test_plain_text_is_cut_at_blank_lines() -> None:
    """A line that begins with '#' is a heading in Markdown only."""
    assert bodies("# one\n\ntwo three\r\n\r\n\r\nfour", limit=3, media_type="text/plain") == [
        "# one\n\ntwo three",
        "four",
    ]


def test_a_heading_longer_than_the_limit_leaves_room_for_words() -> None:
    """The heading path gives way, so that chunks hold more than a heading."""
    text = "# " + "very " * 50 + "long\n\nOne two three four five six. Seven eight.\n"
    assert [chunk.text for chunk in cut(text, limit=10)] == ["One two three four five six. Seven eight."]


@given(
    st.text(alphabet="ab 。.\n`#-|>*1関所", max_size=200),
    st.integers(min_value=16, max_value=30),
    st.integers(min_value=0, max_value=15),
)
def test_every_body_is_a_stretch_of_the_document(text: str, limit: int, overlap: int) -> None:
    """Whatever is cut: words are quoted from the document, ids are unique, and only fenced blocks pass the limit."""
    chunks = cut(text, limit, overlap)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    for chunk, body in zip(chunks, bodies(text, limit, overlap), strict=True):
        assert body.strip()
        assert body in text or chunk.text in text
        assert chunk.tokens <= limit or "`" in body or "    " in text or "\t" in text


@pytest.mark.parametrize(
    ("path", "declared", "fallback", "expected"),
    [
        ("handbook/ja/03.md", None, "en", "ja"),
        ("handbook/ja/03.md", "fr", "en", "fr"),
        ("en/ja.md", None, None, "en"),
        ("ja.md", None, "de", "de"),
        ("notes.md", None, None, "und"),
    ],
)
def test_a_document_has_a_language(path: str, declared: str | None, fallback: str | None, expected: str) -> None:
    """Its own, else its folder's, else the corpus's, else none is known."""
    assert language_of(path, declared, fallback) == expected
