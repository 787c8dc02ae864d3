"""The threat model claims no more than the tests show."""

from __future__ import annotations

import re

from tests.docs.reference import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("| ")]


def test_every_test_that_is_named_exists() -> None:
    """File and function."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 20
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_what_is_stopped_or_shown_names_a_test_and_the_rest_says_that_it_is_open() -> None:
    """No line claims anything that nobody tries."""
    claims = [row for row in ROWS if len(row) > 1 and row[1] in {"stopped", "shown", "open"}]
    assert len(claims) > 30
    assert [row[0] for row in claims if ("::" in " ".join(row)) is (row[1] == "open")] == []
    assert [row[0] for row in ROWS if row not in claims and "|---" not in row[0] and row[-1] != "test"] == []
