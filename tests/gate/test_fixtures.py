"""The promotion that the Rego tests change one thing of is the one that the tests in Python change."""

from __future__ import annotations

from tests.gate.fixtures import FILE, text


def test_the_fixtures_are_the_promotion_of_these_tests() -> None:
    """`python -m tests.gate.fixtures` makes them anew."""
    assert FILE.read_text("utf-8") == text()
