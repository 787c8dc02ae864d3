"""Answers against references."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from sekisho.evaluation.scorers.matching import MAX_ALIGNED, longest_common_subsequence
from sekisho.evaluation.scorers.reading import MAX_CHARACTERS, units
from tests.evaluation.scorers.samples import sample, scored

WORDS = st.lists(st.sampled_from(["the", "gate", "opens", "at", "nine", "never"]), max_size=9)


@pytest.mark.parametrize(
    ("answer", "expected", "exact", "normalised", "contained"),
    [
        ("Nine o'clock", "Nine o'clock", 1, 1, 1),
        (" Nine o'clock\n", "Nine o'clock", 1, 1, 1),
        ("caf\u00e9", "cafe\u0301", 1, 1, 1),
        ("nine O'CLOCK.", "Nine o'clock", 0, 1, 1),
        ("At nine o'clock, then.", "nine o'clock", 0, 0, 1),
        ("nineteen", "nine", 0, 0, 0),
        ("Ｎｉｎｅ", "nine", 0, 1, 1),
        ("関所、です。", "関所です", 0, 1, 1),
        ("答えは関所です", "関所", 0, 0, 1),
        ("", "nine", 0, 0, 0),
    ],
)
def test_matches(answer: str, expected: str, exact: int, normalised: int, contained: int) -> None:
    """Characters, words, words in order, in both languages."""
    given_sample = sample(answer, expected)
    found = [scored(name, given_sample) for name in ("exact_match", "normalised_match", "contains")]
    assert found == [exact, normalised, contained]


@pytest.mark.parametrize("name", ["exact_match", "normalised_match", "contains", "token_f1", "rouge_l"])
def test_nothing_to_compare_is_no_score(name: str) -> None:
    """No expected answer, or no answer at all, is Unscored with its reason."""
    assert scored(name, sample("x")) == "the case names no expected answer"
    assert scored(name, sample(None, "x")) == "there is no answer"


def test_a_reference_without_words_has_no_words_to_match() -> None:
    """It can be met character for character only."""
    assert scored("exact_match", sample("✓", "✓")) == 1
    assert scored("normalised_match", sample("✓", "✓")) == "the case names no expected answer"


def test_japanese_is_compared_by_characters() -> None:
    """A language without spaces has no other words that everyone would cut alike."""
    assert units("関所は9時 Open") == ["関", "所", "は", "9", "時", "open"]
    assert scored("token_f1", sample("関所の門", "関所は門")) == 0.75
    assert scored("rouge_l", sample("門関所", "関所門")) == pytest.approx(2 / 3)


@settings(deadline=None)
@given(WORDS, WORDS.filter(bool))
def test_rouge_l_equals_the_reference_implementation(answer: list[str], expected: list[str]) -> None:
    """The F-measure of the package rouge-score, to 1e-9."""
    theirs = rouge_scorer.RougeScorer(["rougeL"]).score(" ".join(expected), " ".join(answer))["rougeL"].fmeasure
    assert scored("rouge_l", sample(" ".join(answer), " ".join(expected))) == pytest.approx(theirs, abs=1e-9)


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_the_longest_common_subsequence_is_the_longest(first: str, second: str) -> None:
    """Against trying every subsequence."""
    common = {
        part
        for size in range(len(first) + 1)
        for part in combinations(first, size)
        if part in set(combinations(second, size))
    }
    assert longest_common_subsequence(first, second) == max(len(part) for part in common)


def test_what_is_too_long_is_said_to_be() -> None:
    """A limit on the length, and on the work of an alignment."""
    assert "longer than 1,000,000" in str(scored("token_f1", sample("a" * (MAX_CHARACTERS + 1), "b")))
    words = "a " * (round(MAX_ALIGNED**0.5) + 1)
    assert "too long to align" in str(scored("rouge_l", sample(words, words)))
