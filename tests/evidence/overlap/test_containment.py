"""Texts that stand in other texts nearly word for word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation.types import Case
from sekisho.evidence.overlap.containment import Search, units, wanted
from sekisho.evidence.overlap.types import Looking

QUESTION = "Why do compilers and tests not warn us when the system prompt has been edited?"
JAPANESE = "システムプロンプトを編集しても、テストが警告してくれないのはなぜですか。"


def stands(text: str, place: str) -> bool:
    found = wanted(text)
    assert found is not None
    search = Search({"it": found})
    search.look_in(place)
    return search.found == {"it"}


def test_units_are_words_or_single_characters() -> None:
    """Case, width and punctuation say nothing; kana and kanji stand alone, as does what is written between them."""
    assert units("The API's ２ keys — Ａ_b") == ("the", "api", "s", "2", "keys", "a", "b")
    assert units("RAGを使う。") == ("rag", "を", "使", "う")


@pytest.mark.parametrize("text", [QUESTION, JAPANESE], ids=["English", "Japanese"])
def test_a_text_is_found_where_it_stands(text: str) -> None:
    """Among other words, in other case, without its punctuation, and with a word changed at its end."""
    assert stands(text, f"Some words before. {text.upper()} And some after.")
    assert stands(text, text.replace("?", "").replace("、", " ").replace("。", ""))
    assert stands(text, text[:-4] + " indeed")


@pytest.mark.parametrize(
    "place",
    [
        "Tests and compilers stay silent when somebody edits the prompt of the system, and the reason is simple.",
        "Why do compilers and tests not complain? When the prompt has been changed, nobody is warned.",
        "",
        "テストは、プロンプトの編集を警告しません。",
    ],
)
def test_other_words_for_the_same_are_not_it(place: str) -> None:
    """A page that answers a question shares its words, not its wording."""
    assert not stands(QUESTION, place)
    assert not stands(JAPANESE, place)


def test_a_text_scattered_over_several_places_stands_in_none() -> None:
    """Each document is looked at for itself."""
    found = wanted(QUESTION)
    assert found is not None
    search = Search({"it": found})
    words = QUESTION.split()
    search.look_in_all([" ".join(words[:8]), " ".join(words[4:12]), " ".join(words[8:])])
    assert search.found == set()


@pytest.mark.parametrize("text", ["", "?!", "Who asks?", "What is this?", "承認者は誰ですか"[:7]])
def test_a_text_too_short_to_be_anybodys_own_is_not_looked_for(text: str) -> None:
    """Found or not, it would say nothing; the count says how many these are."""
    assert wanted(text) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abcdef関所検問", min_size=1, max_size=5), min_size=8, max_size=20), st.text(max_size=40))
def test_whatever_is_long_enough_is_found_in_a_text_that_holds_it(words: list[str], around: str) -> None:
    """No text hides from itself, whatever stands around it."""
    text = " ".join(words)
    if wanted(text) is not None:
        assert stands(text, f"{around} . {text} . {around}")


def test_a_dataset_is_counted_by_cases() -> None:
    """A case is leaked once, by question or expected answer in the prompt; in the corpus an answer stands by right."""
    answer = "Because one reworded sentence in a system prompt passes every compiler and every test."
    cases = [
        Case("q1", QUESTION, expected=answer),
        Case("q2", JAPANESE),
        Case("q3", "Who asks?", expected=answer),
        Case("q4", "How long does a second person have to say yes to a change?"),
    ]
    looking = Looking(cases)
    looking.in_prompt([f"For instance: {QUESTION} {answer}"])
    looking.in_corpus([f"{answer} {JAPANESE}", "Nothing of the kind."])
    found = looking.counted()
    assert {name: found[name] for name in ("cases", "untold", "in_prompt", "in_corpus", "found")} == {
        "cases": 4,
        "untold": 1,
        "in_prompt": 2,
        "in_corpus": 1,
        "found": ("q1", "q2", "q3"),
    }
