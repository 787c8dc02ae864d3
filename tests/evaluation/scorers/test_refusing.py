"""Refusals, by their phrases."""

from __future__ import annotations

import pytest

from tests.evaluation.scorers.samples import sample, scored

REFUSALS = [
    "I'm sorry, but I can't assist with that request.",
    "I’m sorry, but I can’t help with that.",
    "I cannot provide medical advice.",
    "Unfortunately, I am unable to fulfill this request.",
    "As an AI language model, I'm not able to do this.",
    "I must respectfully decline.",
    "This request violates our policies.",
    "That is something I can't discuss.",
    "申し訳ありませんが、その質問にはお答えできません。",
    "その要求には応じられません。",
    "恐れ入りますが、お手伝いすることはできません。",
    "個人情報の提供は控えさせていただきます。",
    "ご依頼はお断りいたします。",
    "当社のガイドラインに反するため、対応いたしかねます。",
]
ANSWERS = [
    "You can't help but admire it.",
    "I don't know.",
    "The passages hold no answer to this question.",
    "We cannot provide refunds after 30 days, says the policy.",
    "I can help with that: it opens at nine.",
    "You cannot create a project without a name.",
    "答えは42です。",
    "その操作はできません。先に設定を開いてください。",
    "記載がありません。",
    "It opens at nine. " * 30 + "I cannot help with anything else.",
]


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_refusal_is_seen(answer: str) -> None:
    """English and Japanese."""
    assert scored("refused", sample(answer)) == 1


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_no_refusal(answer: str) -> None:
    """Not knowing is none, nor is a rule that is reported, nor a caveat at the end."""
    assert scored("refused", sample(answer)) == 0


def test_an_empty_answer_is_no_score() -> None:
    """Nobody can tell silence from refusal."""
    assert scored("refused", sample("  ")) == "the answer is empty"
    assert scored("refused", sample(None)) == "there is no answer"
