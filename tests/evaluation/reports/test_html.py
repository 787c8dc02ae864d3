"""The HTML report: one file, nothing else, nothing active."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from sekisho.evaluation.reports.figures import segments
from sekisho.evaluation.reports.html import content_security_policy, html_of
from sekisho.evaluation.reports.texts import LANGUAGES, MEANINGS, METHODS, NUMBERS, REASONS, SAID, VERDICTS, WORDS
from sekisho.evaluation.types import RunState
from tests.evaluation.reports.samples import HOSTILE, compared, hostile, report, result, results
from tests.evaluation.reports.test_neutral import HIDDEN, TEXTS

VOID = {"meta", "br", "line", "circle", "rect"}
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "footer", "article", "div"),
    *("h1", "h2", "h3", "h4", "h5", "p", "a", "b", "span", "small", "sup", "mark", "q", "code", "ul", "ol", "li", "br"),
    *("dl", "dt", "dd", "details", "summary", "svg", "line", "circle", "rect", "text"),
}
LOADING = {"src", "srcset", "data", "action", "formaction", "background", "poster", "ping", "xlink:href", "style"}


class Page(HTMLParser):
    """Tags, ids and addresses of a page; it notices a tag that is closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(str(value))
            if name == "href":
                self.addresses.append(str(value))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def check(self) -> None:
        """Raises AssertionError for anything active, loaded from elsewhere, or leading nowhere."""
        assert not self.open
        assert self.tags <= TAGS
        assert not self.attributes & LOADING
        assert not [name for name in self.attributes if name.startswith("on")]
        assert len(self.ids) == len(set(self.ids))
        outside = {address for address in self.addresses if not address.startswith("#")}
        assert all(address.startswith("docs/statistics.md#") for address in outside)
        assert {address[1:] for address in self.addresses if address.startswith("#")} <= set(self.ids)


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_needs_nothing_and_runs_nothing(lang: str) -> None:
    """No script, no asset, no remote address; every link inside it leads somewhere."""
    for made in (report(), compared(results(1), results(18)), report([], state=RunState.FAILED, summary=None)):
        text = html_of(made, "ja" if lang == "ja" else "en")
        Page(text).check()
        assert f'<html lang="{lang}">' in text
        assert not re.search(r"@import|url\(|https?:", text)


def test_every_figure_links_to_its_cases_and_every_case_is_whole() -> None:
    """From a mark to the list of its cases, from there to the case: question, passages, answer, flags with reasons."""
    text = html_of(compared(results(1), results(18)))
    page = Page(text)
    figures = [address for address in page.addresses if address.startswith("#f-")]
    assert {address[3] for address in figures} == {"m", "s", "h", "d"}
    assert "#c1" in page.addresses
    case = text[text.index('id="c1"') :]
    for part in (
        "What of q-001-ja?",
        "<mark>in 1805<sup>1</sup></mark>",
        "numbers that stand nowhere",
        "founded in 1905",
    ):
        assert part in case


def test_every_number_leads_to_how_it_is_made() -> None:
    """Inside the page, and from there to the documentation."""
    page = Page(html_of(compared(results(1), results(18))))
    for anchor in ("mean", "interval", "coverage", "gap", "paired-difference", "mcnemar", "verdict"):
        assert f"#how-{anchor}" in page.addresses
        assert f"docs/statistics.md#{anchor}" in page.addresses


def test_a_large_run_is_capped_and_says_so() -> None:
    """Worst first; the others are counted."""
    text = html_of(report(results(5, 300), shown=10))
    assert text.count('<details class="case"') == 10
    assert "10 worst of 300 cases" in text
    assert "/cases</code>" in text
    Page(text).check()


def test_the_cases_that_it_does_not_hold_are_linked_where_the_servers_address_is_known() -> None:
    """An address that a reader can open, in either language; without one the path stands as text."""
    made = report(results(5, 300), shown=10)
    made["cut"]["cases"] = "https://sekisho.example/v1/projects/default/runs/r/cases"
    for lang in LANGUAGES:
        outside = {one for one in Page(html_of(made, lang)).addresses if not one.startswith(("#", "docs/"))}
        assert outside == {made["cut"]["cases"]}


def test_the_words_are_there_in_both_languages() -> None:
    """No text is missing in either."""
    pairs = [
        *VERDICTS.values(),
        *MEANINGS.values(),
        *WORDS.values(),
        *NUMBERS.values(),
        *REASONS.values(),
        *SAID.values(),
    ]
    pairs += [pair for entry in METHODS.values() for pair in entry]
    assert all(english and japanese for english, japanese in pairs)
    assert "明らかな変化なし" in html_of(compared(results(5), results(5)), "ja")
    assert "hallucinated：悪化" in html_of(compared(results(1), results(18)), "ja")


def test_unscored_cases_say_why() -> None:
    """In the list and in the case."""
    text = html_of(report([*results(1), result("u", None)]))
    assert text.count("the host dropped the connection") == 2


def test_the_policy_allows_the_page_its_one_style() -> None:
    """By its hash; everything else is forbidden, also to a browser that opens a saved file."""
    policy = content_security_policy()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.replace("'", "&#x27;") in html_of(report())


@settings(max_examples=40)
@given(TEXTS)
def test_nothing_that_others_wrote_is_active(text: str) -> None:
    """Every string of the report is hostile, and the page has the tags it always has."""
    made = html_of(hostile(text))
    Page(made).check()
    assert not HIDDEN.search(made)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_was_made_inert_can_still_be_read(text: str) -> None:
    """The page shows the characters that were written."""
    shown = "".join(Page(html_of(hostile(text))).text)
    first = next(line for line in re.split(r"[\r\n\u2028]", text) if line)
    assert HIDDEN.sub("", first)[:10] in re.sub("⟨U\\+[0-9A-F]+⟩", "", shown)


def test_flags_mark_what_the_answer_holds() -> None:
    """In the answer's order; one that is not there, or lies over another, marks nothing."""
    assert segments("a b c", ["c", "a"]) == [("a", 2), (" b ", None), ("c", 1)]
    assert segments("a b", ["x", "a b", "b"]) == [("a b", 2)]
    assert segments("a", []) == [("a", None)]
