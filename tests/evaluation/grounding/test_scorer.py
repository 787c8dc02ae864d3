"""The grounding score: what it flags, what it lets pass, and how it says why."""

from __future__ import annotations

import pytest

from sekisho.evaluation.grounding import abstained, ground
from sekisho.evaluation.scorers.grounded import ground as score
from sekisho.evaluation.types import Case, Hit, Sample, Scored, Unscored

CONTEXT = (
    "The barrier stands between the change and production. A denied promotion names the rule, the observed value "
    "and the limit. Waivers expire after 30 days. Approvals lapse when the digest changes."
)
CONTEXT_JA = (
    "関所は変更と本番のあいだに立ちます。却下された昇格は、規則と観測値と上限を示します。免除は30日で失効します。"
)


@pytest.mark.parametrize(
    ("answer", "context"),
    [
        ("Waivers expire after 30 days.", CONTEXT),
        (
            "A denied promotion names the rule, and the limit. The barrier stands between change and production.",
            CONTEXT,
        ),
        ("免除は30日で失効します。", CONTEXT_JA),
        ("- Approvals lapse when the digest changes.", CONTEXT),
    ],
)
def test_what_the_context_says_is_supported(answer: str, context: str) -> None:
    """Quotation and light rewording pass, in both languages."""
    assert not ground(answer, context).hallucinated


@pytest.mark.parametrize(
    ("answer", "context", "reason"),
    [
        ("The parliament of Norway approved the budget yesterday.", CONTEXT, "Norway"),
        ("Waivers are granted by Doctor Yamamoto of Osaka after 90 days.", CONTEXT, "90"),
        ("東京の気温は明日35度まで上がる見込みです。", CONTEXT_JA, "35"),
    ],
)
def test_what_the_context_does_not_say_is_flagged(answer: str, context: str, reason: str) -> None:
    """Inventions are flagged, with the words that stand nowhere in the context."""
    judged = ground(answer, context)
    assert judged.hallucinated
    assert reason in " ".join(judged.sentences[0].reasons)


def test_one_bad_sentence_spoils_the_answer() -> None:
    """And it is the one that is named."""
    judged = ground("Waivers expire after 30 days. Napoleon lost at Waterloo in 1815.", CONTEXT)
    assert [sentence.supported for sentence in judged.sentences] == [True, False]
    assert judged.hallucinated


@pytest.mark.parametrize(
    "answer",
    [
        "The passages given hold no answer to this question.",
        "I don't know.",
        "This is not mentioned in the context.",
        "渡された文書の中に、この質問の答えは見つかりませんでした。",
    ],
)
def test_declining_is_not_inventing(answer: str) -> None:
    """An abstention counts as such, in English and Japanese."""
    assert abstained(answer)
    assert not ground(answer, CONTEXT).hallucinated


@pytest.mark.parametrize(
    ("answer", "context"), [("", CONTEXT), ("  \n", CONTEXT), ("…!", CONTEXT), ("An answer.", " ")]
)
def test_nothing_to_judge_is_unscored(answer: str, context: str) -> None:
    """An empty answer or context has no score, and says so."""
    outcome = score(Sample(Case("q", "?"), (Hit("c", "d", context),), answer))
    assert all(isinstance(value, Unscored) and value.reason for value in outcome.scores.values())


def test_a_flagged_answer_shows_its_sentence() -> None:
    """The details carry the sentence, its support in basis points and the reasons."""
    outcome = score(Sample(Case("q", "?"), (Hit("c", "d", CONTEXT),), "Napoleon lost at Waterloo in 1815."))
    assert outcome.scores["hallucinated"] == Scored(1.0)
    (flagged,) = outcome.details["unsupported"]
    assert flagged["support_bp"] < 4000
    assert "1815" in flagged["reasons"][0]
