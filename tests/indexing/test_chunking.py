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


HTML = """<!doctype html><html><head><title>Handbook</title><script>alert(1)</script><style>p{}</style></head><body>
<p>Before any heading.</p>
<h1>The <em>gate</em></h1>
<p>It asks the policy&nbsp;engine.<br>It never allows on silence.</p>
<div>Loose words<ul><li>first</li><li>second</li></ul></div>
<h2>Tables</h2>
<table><tr><th>stage</th><th>who</th></tr><tr><td>dev</td><td>anybody</td></tr></table>
<pre>allow if {

  count(missing) == 0
}</pre>
<h1>承認</h1><p><ruby>関所<rt>せきしょ</rt></ruby>の承認。</p><svg><text>drawn</text></svg><noscript>no</noscript>
</body></html>"""


def by(name: str, text: str, limit: int = 40, overlap: int = 0, media_type: str = "text/plain") -> list[Chunk]:
    return chunks_of(Document("a/b", text, media_type, "en"), words, limit, overlap, name)


def test_html_is_cut_by_what_a_reader_sees() -> None:
    """Headings, blocks, rows of tables and preformatted text; no scripts, styles, readings or drawings."""
    chunks = by("html", HTML, media_type="text/html")
    assert [(chunk.heading, chunk.text.removeprefix(f"# {chunk.heading}\n\n")) for chunk in chunks] == [
        ("", "Before any heading."),
        ("The gate", "It asks the policy engine. It never allows on silence.\n\nLoose words\n\nfirst\n\nsecond"),
        ("The gate > Tables", "stage | who\n\ndev | anybody\n\nallow if {\n\n  count(missing) == 0\n}"),
        ("承認", "関所の承認。"),
    ]


@given(st.text(alphabet=st.sampled_from("<>/abhp16= \n\"'!-&;関")))
def test_no_html_is_too_broken_to_be_cut(text: str) -> None:
    """Whatever the bytes are, there are chunks or none, and no error."""
    for chunk in by("html", text, media_type="text/html"):
        assert chunk.text.strip()


def test_the_html_chunker_reads_markdown_as_the_markdown_chunker_does() -> None:
    """A corpus may hold both."""
    text = "# One\n\nFirst.\n\n## Two\n\nSecond.\n"
    assert by("html", text, media_type="text/markdown") == by("markdown", text, media_type="text/markdown")


def test_sentences_are_packed_without_regard_to_headings() -> None:
    """As many whole sentences as fit; the overlap repeats whole sentences."""
    text = "# One\n\nOne two three. Four five six.\n\nSeven eight nine. Ten eleven twelve."
    assert [chunk.text for chunk in by("sentence", text, limit=7)] == [
        "# One\n\nOne two three. Four five six.",
        "Seven eight nine. Ten eleven twelve.",
    ]
    repeated = [chunk.text for chunk in by("sentence", text, limit=6, overlap=3)]
    assert repeated[:2] == ["# One\n\nOne two three.", "One two three. Four five six."]
    assert repeated[-1] == "Seven eight nine. Ten eleven twelve."


@pytest.mark.parametrize("overlap", [0, 3, 9])
def test_windows_are_as_long_as_fits_and_repeat_the_overlap(overlap: int) -> None:
    """Every window but the last has the limit's words, and begins with the last words of the one before it."""
    text = " ".join(f"word{n}" for n in range(95))
    found = [chunk.text.split() for chunk in by("tokens", text, limit=10, overlap=overlap)]
    assert {len(window) for window in found[:-1]} == {10}
    assert [word for window in (found[0], *(one[overlap:] for one in found[1:])) for word in window] == text.split()
    for before, after in pairwise(found):
        assert before[10 - overlap :] == after[:overlap]


def test_windows_cut_words_that_are_too_long() -> None:
    """Between characters, and Japanese anywhere; nothing is lost."""
    text = "関所は変更と本番の間にある。" * 6
    assert "".join(chunk.text for chunk in by("tokens", text, limit=10)) == text
    assert by("tokens", " \n ") == []


@pytest.mark.parametrize("name", ["markdown", "html", "sentence", "tokens", "japanese"])
@pytest.mark.parametrize("a_word_is_a_token", [True, False])
def test_what_has_no_spaces_is_cut_and_costs_what_it_is_long(name: str, *, a_word_is_a_token: bool) -> None:
    """A picture in base64: a tokenizer may call all of it one token, or each few characters. Neither is read over and
    over, and no chunk is longer than prose could be."""
    picture, read = "aGVsbG8rd29ybGQ" * 2000, [0]

    def count(text: str) -> int:
        read[0] += len(text)
        return len(text.split()) if a_word_is_a_token else len(text) // 4

    text = f"See ![a gate](data:image/png;base64,{picture}) here."
    chunks = chunks_of(Document("a.md", text, "text/markdown", "en"), count, 30, 0, name)
    assert max(len(chunk.text) for chunk in chunks) <= 50 * 30
    assert picture in "".join(chunk.text for chunk in chunks).replace(" ", "")
    assert read[0] <= 60 * len(text)


def test_japanese_is_cut_between_sentences_and_then_phrases() -> None:
    """A full stop inside brackets ends nothing; a sentence over the limit is cut after commas."""
    text = "彼は「承認は失効する。期限がある。」と言った。免除には理由が要ります。"
    assert [chunk.text for chunk in by("japanese", text, limit=16)] == [
        "彼は「承認は失効する。期限がある。」と言った。",
        "免除には理由が要ります。",
    ]
    long = "承認は十四日で失効し、免除には理由と期限が要り、例外は記録に残ります。"
    assert [chunk.text for chunk in by("japanese", long, limit=12)] == [
        "承認は十四日で失効し、",
        "免除には理由と期限が要り、",
        "例外は記録に残ります。",
    ]


def test_a_bracket_that_is_never_closed_holds_nothing_together() -> None:
    """One missing mark does not make one chunk of the rest of the document."""
    assert len(by("japanese", "彼は「言った。" + "承認は失効します。" * 40, limit=20)) > 10


@pytest.mark.parametrize("name", ["markdown", "html", "sentence", "tokens", "japanese"])
@given(text=st.text(alphabet=st.sampled_from("ab .\n#「」。、関所<p>/1"), max_size=300), overlap=st.integers(0, 5))
def test_every_chunker_is_stable_and_loses_no_words(name: str, text: str, overlap: int) -> None:
    """The same text gives the same ids, each once; every body stands in the text; every word in some body."""
    chunks = by(name, text, limit=16, overlap=overlap)
    assert chunks == by(name, text, limit=16, overlap=overlap)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert all(chunk.text in text and chunk.tokens <= 16 for chunk in chunks)
    whole = "".join(chunk.text for chunk in chunks)
    assert {character for character in text if not character.isspace()} == {c for c in whole if not c.isspace()}
