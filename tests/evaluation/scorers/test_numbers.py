"""Numbers in answers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation.scorers.numbers import numbers
from tests.evaluation.scorers.samples import outcome, sample, scored


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("about 1,234,567.89 yen", ["1234567.89"]),
        ("１２，３４５．５", ["12345.5"]),
        ("1\u202f234 and 5\u00a0678", ["1234", "5678"]),
        ("1'234'567", ["1234567"]),
        ("1,23", ["1", "23"]),
        ("3-5, or -5, or \u22126, or ▲7", ["3", "5", "-5", "-6", "-7"]),
        ("1e-3 and 2.5E2", ["0.001", "250"]),
        ("1億2000万円", ["120000000"]),
        ("3千5百", ["3500"]),
        ("1万 5", ["10000", "5"]),
        ("-1万5千", ["-15000"]),
        ("12 % and 3percent and 5パーセント", ["0.12", "0.03", "0.05"]),
        ("2025-11-25", ["2025", "11", "25"]),
        (".5", ["0.5"]),
        ("9" * 101, []),
        ("none", []),
    ],
)
def test_numbers_are_read(text: str, found: list[str]) -> None:
    """Separators, widths, signs, powers, percent, Japanese units."""
    assert [number.value for number in numbers(text)] == [Fraction(value) for value in found]


@pytest.mark.parametrize(
    ("answer", "expected", "params", "score"),
    [
        ("First 3, so it is 42.", "42", {}, 1),
        ("First 3, so it is 42.", "3", {"which": "first"}, 1),
        ("41.96", "42", {}, 0),
        ("41.96", "42", {"absolute": "0.04"}, 1),
        ("41.95", "42", {"absolute": "0.04"}, 0),
        ("103", "100", {"relative_bp": 300}, 1),
        ("104", "100", {"relative_bp": 300}, 0),
        ("0.3", "0.1", {"absolute": "0.2"}, 1),
        ("12", "12 %", {}, 1),
        ("0.12", "12 %", {}, 1),
        ("12 %", "12 %", {}, 1),
        ("12 %", "1200 %", {}, 0),
        ("it is open", "12", {}, 0),
    ],
)
def test_a_number_is_near_or_not(answer: str, expected: str, params: dict[str, object], score: int) -> None:
    """Exact arithmetic: a difference of exactly the tolerance is within it."""
    assert scored("numeric", sample(answer, expected), **params) == score


def test_an_expectation_without_a_number_is_no_score() -> None:
    """The case is at fault, not the answer; an answer without one is a miss and says so."""
    assert scored("numeric", sample("1", "one")) == "the expected answer holds no number"
    assert scored("numeric", sample("1")) == "the case names no expected answer"
    assert outcome("numeric", sample("one", "1")).details == {"numeric": "the answer holds no number"}


@given(st.integers(-(10**12), 10**12))
def test_a_number_is_read_back(value: int) -> None:
    """However its thousands are separated, in half or full width."""
    wide = f"{value:,}".translate({ord(d): chr(ord(d) + 0xFEE0) for d in "0123456789,"})
    for text in (str(value), f"{value:,}", wide, f"{value:_}".replace("_", "\u2009")):
        assert [number.value for number in numbers(f"n = {text}")] == [value]
