"""The extractive baseline."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sekisho.inference.extractive import DIGEST, ExtractiveAnswerer, best_sentences
from sekisho.inference.types import NOTHING_FOUND, AnswerRequest

PASSAGES = (
    "# Gate\n\nThe gate asks the policy engine. A decision is signed with an ed25519 key. It goes into the ledger.",
    "# Approval\n\nAn approval lapses after 14 days. Services cannot approve.",
    "# 承認\n\n承認は十四日で失効します。サービスは承認できません。",
)


def request(question: str, passages: tuple[str, ...] = PASSAGES) -> AnswerRequest:
    return AnswerRequest((), passages, question)


async def test_where_nothing_matches_it_says_so() -> None:
    """No sentence holds enough of the question: the answer is that there is none, in the question's language."""
    english = await ExtractiveAnswerer().answer(request("What is the capital of France?"))
    japanese = await ExtractiveAnswerer().answer(request("富士山の標高は？"))
    assert english.finish == japanese.finish == NOTHING_FOUND
    assert "no answer" in english.text
    assert "見つかりません" in japanese.text
    assert (await ExtractiveAnswerer().answer(request("Anything?", ()))).finish == NOTHING_FOUND


async def test_it_quotes_the_sentence_that_matches() -> None:
    """English by words, Japanese by pairs of characters; headings are never quoted."""
    english = await ExtractiveAnswerer().answer(request("When does an approval lapse?"))
    japanese = await ExtractiveAnswerer().answer(request("承認はいつ失効しますか？"))
    assert english.text == "An approval lapses after 14 days."
    assert japanese.text == "承認は十四日で失効します。"
    assert english.finish == "stop"
    assert english.model_digest == DIGEST


@given(st.text(max_size=40), st.lists(st.text(alphabet="abc de.。承認\n#-", max_size=60), max_size=4))
def test_every_line_of_an_answer_stands_in_a_passage(question: str, passages: list[str]) -> None:
    """It cannot make anything up, whatever it is asked."""
    for quoted in best_sentences(question, tuple(passages)):
        assert any(quoted in passage for passage in passages)


async def test_the_digest_is_known_beforehand() -> None:
    """It stands in registered manifests: it changes only on purpose."""
    assert DIGEST.startswith("sha256:")
    assert len(DIGEST) == 71
