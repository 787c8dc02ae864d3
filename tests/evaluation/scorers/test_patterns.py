"""Regular expressions that come from a suite and meet any answer."""

from __future__ import annotations

import time

import pytest

from sekisho.evaluation.scorers.catalogue import measures
from sekisho.evaluation.types import Target
from sekisho.kernel.errors import Invalid
from tests.evaluation.scorers.samples import outcome, sample, scored


@pytest.mark.parametrize(
    ("pattern", "answer", "expected"),
    [
        (r"^\d+$", "42", 1),
        (r"^\d+$", "42 yen", 0),
        (r"(?i)NINE", "at nine", 1),
        (r"関所.門", "関所の門", 1),
        ("a\x00b", "xa\x00bx", 1),
        ("x", "a\ud800x", 1),
        (r"\[\d+\]", "It opens [1].", 1),
    ],
)
def test_a_pattern_is_found_anywhere(pattern: str, answer: str, expected: int) -> None:
    """RE2's syntax over any text; `absent` turns the score around."""
    assert scored("regex", sample(answer), pattern=pattern) == expected
    assert scored("regex", sample(answer), pattern=pattern, absent=True) == 1 - expected


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(a*)*b", r"(x+x+)+y", r"(.*)(.*)(.*)(.*)(.*)(.*)z"])
def test_an_exploding_pattern_ends_in_time(pattern: str) -> None:
    """Each takes a backtracking engine longer than a lifetime on this answer."""
    started = time.process_time()
    assert scored("regex", sample("a" * 50_000 + "x" * 50_000 + "!"), pattern=pattern) == 0
    assert time.process_time() - started < 2


def test_a_costly_pattern_on_a_long_answer_is_no_score() -> None:
    """What could take longer than two seconds is not begun, and the reason names both sizes."""
    started = time.process_time()
    found = scored("regex", sample("ab" * 500_000), pattern="(?:a|b)*a(?:a|b){900}c")
    assert "took longer than 2 s" in str(found)
    assert "1,000,000 bytes" in str(found)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("pattern", ["(", "a{1001}", "(?=a)", r"(a)\1", "(?:a{100}){100}", "\ud800", r"\pL{900}"])
def test_a_pattern_that_re2_does_not_take_is_refused_before_the_run(pattern: str) -> None:
    """With the place in the suite that is wrong."""
    with pytest.raises(Invalid) as caught:
        measures([("regex", {"pattern": pattern})], Target.ANSWERS)
    assert caught.value.fields[0].path == "$.scorers[0].params.pattern"


def test_labels_tell_patterns_apart() -> None:
    """Two uses of the scorer in one suite are two metrics; without labels they are one asked for twice."""
    uses = [("regex", {"pattern": "a", "label": "cites"}), ("regex", {"pattern": "b"})]
    assert [metric for one in measures(uses, Target.ANSWERS) for metric in one.metrics] == ["regex.cites", "regex"]
    assert list(outcome("regex", sample("a"), label="cites").scores) == ["regex.cites"]
    with pytest.raises(Invalid, match="asked for twice"):
        measures([uses[1], uses[1]], Target.ANSWERS)
