"""What others wrote is inert in every medium, and still there to be read."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from io import StringIO
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console
from rich.text import Text

from sekisho.evaluation.reports import neutral
from tests.evaluation.reports.samples import HOSTILE

PIECES = st.sampled_from(
    (
        *(
            "<",
            ">",
            "@",
            "#",
            "!",
            "[",
            "]",
            "(",
            ")",
            "`",
            "```",
            "~~~",
            "|",
            "\\",
            "*",
            "_",
            "$",
            ":",
            "::",
            "/",
            "&",
        ),
        *("\n", "\r", "\t", " ", "\x00", "\x1b[", "\x9b", "\u202e", "\u2028", "\ufeff", "\ud800", "\U000e0041"),
        *("http://x.y", "https://x.y", "www.x.y", "mailto:", "a@b.c", "everyone", "##[", "##vso[", "error", "1.", "-"),
        *("script", "img src=x", "</details>", "&lt;", "&#60;", "]]>", "日本語", "a", "1"),
    )
)
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.lists(PIECES, max_size=30).map("".join), st.text(max_size=60))
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
COMMAND = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[", re.MULTILINE)
GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])
BARE = re.compile(r"https?://|\bwww\.|(?<!\w)@\w|\w@\w+\.\w|(?:^|\s)#\d|\bGH-\d", re.IGNORECASE)
"""What a forge makes a link or a mention of in rendered text that is no code."""


def test_what_is_hidden_is_named() -> None:
    """A reader sees that something stood there, and what."""
    assert neutral.visible("a\u202eb\x00c") == "a⟨U+202E⟩b⟨U+0000⟩c"
    assert neutral.visible("one\r\ntwo\rthree\tfour") == "one\ntwo\nthree\tfour"
    assert neutral.visible("普通の文。👩‍🔬 é") == "普通の文。👩‍🔬 é"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("recall@5", "recall&#64;5"),
        ("@everyone", "&#64;\u200beveryone"),
        ("plain words, 50 %.", "plain words, 50 %."),
        ("1. no list", "&#49;&#46; no list"),
        ("25.8 %", "25.8 %"),
        ("+ no list", "&#43; no list"),
        ("two\nlines", "two lines"),
        ("a@b.example", "a&#64;\u200bb.example"),
    ],
)
def test_markdown_is_escaped_by_need(text: str, expected: str) -> None:
    """What cannot act stays as it is; what can is spelt as an entity, or broken by an invisible space."""
    assert neutral.markdown(text) == expected


@given(TEXTS)
def test_nothing_hidden_is_left(text: str) -> None:
    """In no medium, whatever the text."""
    for made in (neutral.terminal, neutral.xml, neutral.html, neutral.markdown, neutral.markdown_block):
        assert not HIDDEN.search(made(text))


@given(TEXTS)
def test_a_terminal_sees_no_escape_and_a_log_no_command(text: str) -> None:
    """Also where lines are trimmed before they are looked at."""
    assert not COMMAND.search(neutral.terminal(text))
    printed = StringIO()
    Console(width=200, force_terminal=True, color_system=None, file=printed).print(Text(neutral.terminal(text)))
    assert "\x1b" not in printed.getvalue()


@given(TEXTS)
def test_xml_is_well_formed_and_keeps_the_text(text: str) -> None:
    """A parser gives back what was put in, in an element and in an attribute."""
    inert = neutral.xml(text)
    element = ElementTree.Element("a", {"b": inert})
    element.text = inert
    read = ElementTree.fromstring(ElementTree.tostring(element))  # made here
    assert (read.text or "") == inert
    assert read.get("b") == inert
    assert not COMMAND.search(inert)


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS)
def test_html_holds_text_only(text: str) -> None:
    """Neither as content nor as an attribute does it make a tag."""
    inert = neutral.html(text)
    seen = Seen()
    seen.feed(f'<p title="{inert}">{inert}</p>')
    seen.close()
    assert seen.tags == [("p", [("title", neutral.visible(text))])]
    assert seen.text == neutral.visible(text)


@given(TEXTS)
def test_markdown_in_a_line_is_words_only(text: str) -> None:
    """Alone, in a list, in a table: no link, picture, code, HTML, emphasis or mention, and no cell more."""
    inert = neutral.markdown(text)
    assert "\n" not in inert
    for page in (inert, f"- {inert}", f"words {inert} words"):
        kinds = kinds_of(page)
        assert kinds <= {"text", "paragraph_open", "paragraph_close", *LISTS}, page
        assert not BARE.search(words_of(page)), page
    row = GFM.parse(f"| a | b |\n|---|---|\n| {inert} | x |")
    assert sum(token.type == "td_open" for token in row) == 2


LISTS = {"bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"}


def kinds_of(page: str) -> set[str]:
    tokens = GFM.parse(page)
    inner = {child.type for token in tokens for child in token.children or ()}
    return ({token.type for token in tokens} | inner) - {"inline"}


def words_of(page: str) -> str:
    return "".join(child.content for token in GFM.parse(page) for child in token.children or ())


@given(TEXTS)
def test_a_block_of_markdown_cannot_be_left(text: str) -> None:
    """One fence and nothing else, in which no line is a command to a log or to a bot."""
    block = neutral.markdown_block(text)
    tokens = GFM.parse(f"{block}\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    body = tokens[0].content
    assert not COMMAND.search(body)
    assert not BARE.search(body)
    assert not re.search(r"^\s*/[a-z]|<[a-z/!]|\]\(", body, re.MULTILINE | re.IGNORECASE)


@given(st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)))
def test_json_means_the_same_and_holds_nothing_raw(value: object) -> None:
    """Escaped, not changed: a parser gives back what went in."""
    made = neutral.json_text(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(made) == value
    assert not HIDDEN.search(made)
    assert not re.search(r"[<>&]|##\[|##vso\[", made)
    made.encode()


def test_a_long_run_of_backticks_makes_no_longer_fence() -> None:
    """A fence is never much longer than any text that people write."""
    assert neutral.markdown_block("`" * 60_000).startswith("`" * 33 + "text\n")
