"""The page of faults names tests that exist, and a test for each line."""

from __future__ import annotations

import re

from tests.docs.reference import ROOT

PAGE = (ROOT / "docs" / "faults.md").read_text()
LINES = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| fault |")]


def test_every_line_names_a_test_that_exists() -> None:
    """File and function."""
    assert len(LINES) > 30
    for line in LINES:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", line)
        assert named, line
        assert all(f"def {name}(" in (ROOT / file).read_text() for file, name in named), line
