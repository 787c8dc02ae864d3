"""The demo's handbook: the same pages in both languages, shaped alike."""

from __future__ import annotations

import re

from sekisho.kernel.trees import tree

HANDBOOK = tree("evals") / "demo" / "handbook"
HEADING = re.compile(r"^(#{1,6}) ", re.MULTILINE)


def headings(language: str, page: str) -> list[int]:
    """The depth of each heading, in order."""
    return [len(mark[1]) for mark in HEADING.finditer((HANDBOOK / language / page).read_text("utf-8"))]


def pages(language: str) -> list[str]:
    return sorted(path.name for path in (HANDBOOK / language).glob("*.md"))


def test_both_languages_have_the_same_pages_at_least_twelve() -> None:
    """A page without its translation would make the gap between languages a gap between subjects."""
    assert pages("en") == pages("ja")
    assert len(pages("en")) >= 12


def test_pages_are_shaped_alike() -> None:
    """Page by page the same headings at the same depths: what is cut along headings is cut alike."""
    assert [headings("en", page) for page in pages("en")] == [headings("ja", page) for page in pages("ja")]


def test_japanese_pages_are_in_japanese_and_english_ones_are_not() -> None:
    """No page was copied instead of translated."""
    kana = re.compile("[぀-ヿ]")
    for page in pages("en"):
        assert len(kana.findall((HANDBOOK / "ja" / page).read_text("utf-8"))) > 500
        assert len(kana.findall((HANDBOOK / "en" / page).read_text("utf-8"))) < 20
