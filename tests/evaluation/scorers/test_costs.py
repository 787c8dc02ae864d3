"""Length, time and tokens."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.evaluation.scorers.catalogue import SCORERS
from sekisho.evaluation.scorers.declaration import UNBOUNDED
from tests.evaluation.scorers.samples import sample, scored


@pytest.mark.parametrize(
    ("answer", "characters", "words"),
    [("It opens at 9.", 14, 4), (" 関所 opens\n", 8, 3), ("", 0, 0), ("👍", 1, 0)],
)
def test_length(answer: str, characters: int, words: int) -> None:
    """Code points without white space around them; words, and Japanese characters."""
    assert (scored("characters", sample(answer)), scored("words", sample(answer))) == (characters, words)


@pytest.mark.parametrize("name", ["latency_ms", "tokens_in", "tokens_out"])
def test_what_was_measured_is_the_score(name: str) -> None:
    """And what nobody measured is Unscored, not 0."""
    measured: dict[str, Any] = {name: 1234}
    assert scored(name, sample("x", **measured)) == 1234
    assert scored(name, sample("x", **{**measured, name: 0})) == 0
    assert scored(name, sample("x")) == f"nobody measured {name}"
    assert SCORERS[name].range == UNBOUNDED
