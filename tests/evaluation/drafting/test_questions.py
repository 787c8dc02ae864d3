"""Questions by the form of a sentence."""

from __future__ import annotations

import pytest

from sekisho.evaluation.drafting.questions import bare, question_about
from sekisho.evaluation.drafting.sentences import Sentence, sentences_of
from sekisho.indexing.types import Document


def sentence(text: str, language: str = "en", heading: str = "", *, first: bool = False) -> Sentence:
    return Sentence("a.md", language, heading, text, first)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("A slice is a named subset of the test cases.", "What is a slice?"),
        ("Good sources are the failed cases of the last run.", "What are good sources?"),
        ("OPA is a policy engine of its own.", "What is OPA?"),
        ("Code 3 means that the denial rests on missing evidence.", "What does code 3 mean?"),
        ("An approval lapses after 14 days.", "Which number is missing: “An approval lapses after ____ days.”"),
    ],
)
def test_english_forms(text: str, question: str) -> None:
    """Definitions first, then what is left out."""
    found = question_about(sentence(text))
    assert found is not None
    assert found.text == question


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("系譜は有向グラフです。", "系譜とは何ですか。"),
        ("リースとは、誰がいつまで担当するかを示す行です。", "リースとは何ですか。"),
        ("承認は十四日で失効します。", "「承認は____日で失効します。」の空所に入る言葉は何ですか。"),
    ],
)
def test_japanese_forms(text: str, question: str) -> None:
    """The same in Japanese."""
    found = question_about(sentence(text, "ja"))
    assert found is not None
    assert found.text == question


def test_a_cloze_knows_its_answer() -> None:
    """What was left out is what is expected."""
    found = question_about(sentence("承認は十四日で失効します。", "ja"))
    assert found is not None
    assert (found.form, found.expected) == ("cloze", "十四")


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("Who is barred from approving?", "Who is barred from approving?"),
        ("Which files may enter a corpus", "Which files may enter a corpus?"),
        ("When a group has few cases", "What is said about “When a group has few cases”?"),
    ],
)
def test_a_heading_that_asks_is_the_question(heading: str, question: str) -> None:
    """Of its first sentence alone; one that only looks like a question is a topic."""
    found = question_about(sentence("They are shut out, four of them.", heading=heading, first=True))
    assert found is not None
    assert found.text == question
    assert question_about(sentence("They are shut out, four of them.", heading=heading)) is None


@pytest.mark.parametrize("text", ["It is a directed graph of versions.", "This means that nothing moves at all."])
def test_what_points_elsewhere_is_not_asked_about(text: str) -> None:
    """Nobody could answer it without the sentence before."""
    assert question_about(sentence(text)) is None


def test_a_language_without_patterns_has_none() -> None:
    """Rather no question than a wrong one."""
    assert question_about(sentence("Une tranche est un sous-ensemble nommé.", "fr", "Tranches", first=True)) is None


def test_markdown_is_not_asked() -> None:
    """Marks and links go from the question; the gold passage keeps them."""
    assert bare("A **slice** is a [named subset](x.md) of `cases`.") == "A slice is a named subset of cases."


def test_sentences_are_verbatim_and_stand_once() -> None:
    """No code, no tables, no headings; what is said twice answers for neither place."""
    text = (
        "---\ntitle: x\n---\n# Gate\n\nThe gate asks the policy engine. It never allows on silence.\n\n"
        "```rego\nallow if { count(missing) == 0 }.\n```\n\n| a | b is a cell of a table. |\n\n"
        "- A list item is a sentence of its own.\n"
    )
    twice = "It never allows on\nsilence.\n"
    found = sentences_of([Document("a.md", text, "text/markdown", "und"), Document("b.md", twice, "text/plain", "und")])
    assert [(one.text, one.heading, one.first) for one in found] == [
        ("The gate asks the policy engine.", "Gate", True),
        ("A list item is a sentence of its own.", "Gate", False),
    ]
    assert all(one.text in text for one in found)
