"""Markdown for a pull request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sekisho.evaluation.reports.markdown import LIMIT, markdown_of
from sekisho.evaluation.reports.methods import DOCS
from tests.evaluation.reports.samples import HOSTILE, compared, hostile, report, results
from tests.evaluation.reports.test_neutral import BARE, COMMAND, HIDDEN, TEXTS

GFM = MarkdownIt("commonmark").enable("table")
OUR_HTML = ("<details><summary>", "</details>")


def tokens_of(page: str) -> list[Token]:
    """Every token, with those inside lines."""
    return [part for token in GFM.parse(page) for part in (token, *(token.children or ()))]


def test_the_verdict_comes_first_and_then_what_changed() -> None:
    """Then the metrics, then the cases that got worse, folded."""
    page = markdown_of(compared(results(1), results(18)))
    assert page.startswith("## ❌ [Worse than the baseline](docs/statistics.md#verdict): agent/docs\n")
    places = [
        page.index(part)
        for part in ("- hallucinated got worse", "### What changed", "### Metrics", "got worse\n\n<details>")
    ]
    assert places == sorted(places)
    assert "| hallucinated | 5.0 % | 90.0 % | +85.0 &#91;" in page


def test_numbers_link_to_how_they_are_made() -> None:
    """At the address that was asked for."""
    made = compared(results(1), results(18))
    made["methods"] = {anchor: f"https://docs.example/statistics#{anchor}" for anchor in made["methods"]}
    assert "[McNemar p](https://docs.example/statistics#mcnemar)" in markdown_of(made)


def test_a_case_shows_question_answer_flags_and_passages() -> None:
    """What an engineer needs to disagree."""
    page = markdown_of(report())
    for part in (
        "What of q-000-en?",
        "It was founded in 1805.",
        "Flagged: in 1805",
        "1805)",
        "It was founded in 1905.",
    ):
        assert part in page


@pytest.mark.parametrize("limit", [3_000, 8_000, 14_000])
def test_a_long_report_is_cut_and_says_what(limit: int) -> None:
    """The verdict stays; the last line counts what is missing."""
    page = markdown_of(compared(results(1, 100), results(90, 100)), limit=limit)
    assert len(page) <= limit
    assert page.startswith("## ❌")
    assert f"Cut to keep to {limit:,} characters" in page.splitlines()[-1]


def test_the_largest_report_fits_a_comment() -> None:
    """Even where every answer is long and full of what must be escaped."""
    long = [
        replace(one, output={**one.output, "answer": "*<@`" * 9_000}, question="|" * 4_000) for one in results(90, 100)
    ]
    assert len(markdown_of(compared(results(1, 100), long))) <= LIMIT


@settings(max_examples=40)
@given(TEXTS)
def test_nothing_that_others_wrote_is_active(text: str) -> None:
    """Every string of the report is hostile: no picture, no link but ours, no HTML but ours, no mention, no command."""
    page = markdown_of(hostile(text))
    assert not HIDDEN.search(page)
    assert not COMMAND.search(page)
    for token in tokens_of(page):
        assert token.type not in {"image", "html_inline", "code_block"}, token
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(f"{DOCS}#")
        if token.type == "html_block":
            rest = token.content.strip()
            assert rest.startswith(OUR_HTML), rest
            assert rest.count("<") in {1, 3}, rest
        if token.type in {"text", "fence"}:
            assert not BARE.search(token.content), token.content


@pytest.mark.parametrize("text", HOSTILE)
def test_each_hostile_string_leaves_the_page_whole(text: str) -> None:
    """As many folds as there are ends, and headings only of ours."""
    page = markdown_of(hostile(text))
    blocks = [token.content for token in tokens_of(page) if token.type == "html_block"]
    assert sum(block.count("<details>") for block in blocks) == sum(block.count("</details>") for block in blocks) > 0
    headings = [token for token in tokens_of(page) if token.type == "heading_open"]
    assert len(headings) == page.count("\n### ") + 1
