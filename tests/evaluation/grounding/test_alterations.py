"""One altered word in a faithful sentence: found, told in words, and enough to spoil a short answer."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.grounding_corruption import alter, broken
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation.grounding import ground
from sekisho.evaluation.grounding.alterations import NAMES, Alterations
from sekisho.evaluation.grounding.context import read
from sekisho.evaluation.grounding.opposites import OPPOSITES, WORDS
from sekisho.evaluation.grounding.source import Source
from sekisho.evaluation.grounding.terms import tokens
from sekisho.evaluation.grounding.vectors import word_vectors
from tests.evaluation.grounding.contexts import PROSE

FAITHFUL = "It carries 42 trains a day over the river Alder."


def altered(sentence: str, context: str = PROSE) -> list[tuple[str, str, str]]:
    """Kind, what the sentence says, and what the context has instead."""
    _, found = Alterations(Source(read(context)), word_vectors()).features(tokens(sentence))
    return [(one.kind, sentence[one.start : one.end], one.instead) for one in found]


def test_a_faithful_sentence_is_not_altered() -> None:
    """Word for word, and with the pronoun resolved."""
    assert altered(FAITHFUL) == []
    assert altered("The bridge carries 42 trains a day over the river Alder.") == []


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("It carries 57 trains a day over the river Alder.", ("number", "57", "42")),
        ("It carries 1931 trains a day over the river Alder.", ("number", "1931", "42")),
        ("It carries 42 trains a day over the river Boyne.", ("name", "Boyne", "alder")),
        ("It carries 42 trains a night over the river Alder.", ("opposite", "night", "day")),
        ("It never carries 42 trains a day over the river Alder.", ("negation", "never", "")),
        ("It carries 42 wagons a day over the river Alder.", ("word", "wagons", "train")),
    ],
)
def test_what_stands_in_the_place_of_something_else_is_found(sentence: str, expected: tuple[str, str, str]) -> None:
    """With its kind and with what the context has there."""
    assert expected in altered(sentence)


HOURS = {"name": "Cafe Sol", "hours": {"Monday": "9:0-17:0"}}


@pytest.mark.parametrize("said", ["9:00 to 17:00", "09:00 to 17:00", "9:0 to 17:0"])
def test_a_time_is_the_same_however_its_minutes_are_written(said: str) -> None:
    """A short answer that writes a field's time in another way is not flagged for it."""
    assert not ground(f"Cafe Sol is open on Monday from {said}.", HOURS).hallucinated


@pytest.mark.parametrize("said", ["10:00 to 17:00", "9:30 to 17:00"])
def test_another_time_is_altered(said: str) -> None:
    """Another hour or other minutes stand where the context has a time."""
    judged = ground(f"Cafe Sol is open on Monday from {said}.", HOURS)
    assert judged.hallucinated
    assert any("stands where the context has “9:0”" in reason for reason in judged.flagged[0].reasons)


def test_one_is_no_number_that_anything_is_held_against() -> None:
    """ "One possible reason" counts nothing."""
    assert not any(kind == "number" for kind, _, _ in altered("One bridge carries 42 trains a day over the Alder."))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("It carries 57 trains a day over the river Alder.", "“57” stands where the context has “42”"),
        ("It carries 42 trains a night over the river Alder.", "“night” stands where the context has “day”"),
        ("The bridge was not opened in 1931 by the engineer Clara Whitfield.", "a negation"),
    ],
)
def test_a_short_answer_falls_with_one_word(answer: str, said: str) -> None:
    """It is flagged, and the reason names the word."""
    judged = ground(answer, PROSE)
    assert judged.hallucinated
    assert any(said in reason for reason in judged.flagged[0].reasons), judged.flagged[0].reasons


def test_an_altered_sentence_beside_a_true_one_is_flagged() -> None:
    """And it is the altered one that is named."""
    judged = ground(f"{FAITHFUL} In 2004 the council of Dunmore spent 9 million pounds on new steel cables.", PROSE)
    assert judged.hallucinated
    assert [sentence.supported for sentence in judged.sentences] == [True, False]


def test_opposites_are_mutual_and_nothing_is_its_own() -> None:
    """A pair reads the same from either side."""
    for table in (OPPOSITES, WORDS):
        assert all(word in table[other] and word != other for word, others in table.items() for other in others)


@given(st.text(max_size=200), st.text(max_size=200))
@settings(deadline=None, max_examples=50)
def test_any_text_has_every_feature_and_spans_inside_it(sentence: str, context: str) -> None:
    """Finite numbers under the promised names."""
    row, found = Alterations(Source(read(context)), word_vectors()).features(tokens(sentence))
    assert row.keys() == set(NAMES)
    assert np.isfinite(list(row.values())).all()
    assert all(0 <= one.start < one.end <= len(sentence) for one in found)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_breaking_a_sentence_changes_it_where_it_says(seed: int) -> None:
    """The training pairs are labelled where they were altered, and nowhere else."""
    text, start, end = alter(FAITHFUL, PROSE, np.random.default_rng(seed)) or ("", 0, 0)
    assert text not in {"", FAITHFUL}
    assert text[:start] == FAITHFUL[:start]
    assert start < end


def test_broken_pairs_leave_marked_sentences_alone() -> None:
    """A sentence that people marked is no example of a supported one."""
    answer = {"context": PROSE, "response": FAITHFUL, "spans": [{"start": 11, "end": 13}]}
    assert broken([answer], seed=1) == []
    right, wrong = broken([{**answer, "spans": []}], seed=1)
    assert (right["hallucinated"], wrong["hallucinated"]) == (False, True)
    assert right["response"] == FAITHFUL != wrong["response"]
