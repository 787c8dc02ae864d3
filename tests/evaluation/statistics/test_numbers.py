"""Every number has a place where it is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.evaluation.statistics import ANCHORS, explained
from tests.docs.test_docs import headings

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("number", sorted(ANCHORS))
def test_every_number_is_explained(number: str) -> None:
    """The page and the heading that a report links to are there."""
    page, _, anchor = explained(number).partition("#")
    assert anchor in headings(DOCS / page)


def test_every_section_explains_a_number() -> None:
    """But for the first ones, which say how to read the page; an orphaned section is out of date."""
    assert headings(DOCS / "statistics.md") - set(ANCHORS.values()) == {"statistics", "how-often-a-verdict-is-wrong"}
