"""Fields of a structured context against what a sentence claims."""

from __future__ import annotations

import json

import pytest

from sekisho.evaluation.grounding.context import in_words, read
from sekisho.evaluation.grounding.flags import Flags
from sekisho.evaluation.grounding.hours import Hours
from tests.evaluation.grounding.contexts import CAFE


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("RestaurantsTakeOut", "restaurants take out"),
        ("WiFi", "wifi"),
        ("review_stars", "review stars"),
        ("HTTPPort", "http port"),
    ],
)
def test_a_field_name_is_read_in_words(key: str, words: str) -> None:
    """Humps, underscores and capitals are all the same."""
    assert in_words(key) == words


def test_json_text_is_read_as_an_object() -> None:
    """So a context that comes as a string has fields too; broken JSON stays text."""
    assert read(json.dumps(CAFE)) == read(CAFE)
    assert not read('{"name": ').structured


@pytest.mark.parametrize(
    ("sentence", "verdicts"),
    [
        ("The cafe offers free WiFi.", ["conflict"]),
        ("It does not have Wi-Fi.", ["agrees"]),
        ("Wi-Fi is not available.", ["agrees"]),
        ("Reservations are accepted.", ["agrees"]),
        ("They do not take reservations.", ["conflict_no"]),
        ("Guests enjoy outdoor seating.", ["invented"]),
        ("There is no outdoor seating.", ["denied"]),
        ("The data does not specify outdoor seating.", ["agrees"]),
        ("Valet parking is offered.", ["conflict"]),
        ("Street parking is available.", ["agrees"]),
        ("It has no WiFi but offers takeout.", ["agrees", "agrees"]),
        ("It has no WiFi or take-out.", ["agrees", "conflict_no"]),
        ("The scones are lovely.", []),
    ],
)
def test_a_claim_is_held_against_its_field(sentence: str, verdicts: list[str]) -> None:
    """Yes, no and nothing are three things; a negation reaches over a list, up to a turn."""
    assert sorted(claim.verdict for claim in Flags(read(CAFE)).claims(sentence)) == sorted(verdicts)


def test_a_claim_says_where_it_stands() -> None:
    """In the sentence as it was written, though it was compared in another spelling."""
    sentence = "Enjoy free Wi-Fi here."
    (claim,) = Flags(read(CAFE)).claims(sentence)
    assert sentence[claim.start : claim.end] == "Wi-Fi"


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("It is open on Monday and Tuesday from 9 am to 5 pm.", 0),
        ("Hours: Monday 9:00-17:00, Saturday 10:00-14:30.", 0),
        ("On Monday it is open from 9 am to 6 pm.", 1),
        ("It is open from 9 am to 5 pm every day.", 5),
        ("It is open from 9 am to 5 pm on Sunday.", 1),
        ("It is closed on Monday.", 1),
        ("It is closed on Sunday.", 0),
        ("It opens at 9 am.", 0),
        ("It closes at 11 pm.", 1),
        ("Open 10 to 2:30 pm on Saturday.", 0),
    ],
)
def test_opening_hours_are_held_against_their_day(sentence: str, wrong: int) -> None:
    """Each claimed day counts: another time, or a day that is not listed."""
    assert len(Hours(read(CAFE)).check(sentence).wrong) == wrong


def test_a_context_of_any_shape_is_read() -> None:
    """Deep, empty, or with values of every type."""
    deep: dict[str, object] = {}
    for _ in range(500):
        deep = {"a": deep}
    assert read(deep).fields == ()
    assert read({"a": [1, 2.5, None, True, "x", {"b": []}]}).structured
