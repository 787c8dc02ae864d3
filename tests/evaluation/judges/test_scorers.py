"""The four judged scorers: what they ask, and what they make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation.judges.asking import SEED
from sekisho.evaluation.judges.fencing import bears_on, fence, stands_in
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER, SCORERS, measures
from sekisho.evaluation.types import Target
from sekisho.inference.types import AnswerRequest
from sekisho.kernel.errors import Invalid, ModelFailed
from tests.evaluation.judges.benches import FakeJudge, honest, judged, kind_of, reason, sample, told, value

JUDGED = sorted(name for name, scorer in SCORERS.items() if scorer.judged)


def verdicts(**found: tuple[str, str]) -> str:
    return json.dumps({name: {"verdict": verdict, "quote": quote} for name, (verdict, quote) in found.items()})


async def test_faithfulness_is_the_share_of_supported_claims() -> None:
    """One claim of two is not in the context: half, and the answer as a whole is unfaithful."""
    outcome = await judged("judge.faithfulness", sample("The fee is 30 euros. Ayako left."), FakeJudge())
    assert value(outcome, "judge.faithfulness") == 0.5
    assert value(outcome, "judge.unfaithful") == 1
    assert value(outcome, "judge.abstained") == 0
    assert outcome.details["judge.faithfulness"]["claims"] == [
        {"text": "The fee is 30 euros.", "verdict": "supported", "quote": "The fee is 30 euros"},
        {"text": "Ayako left.", "verdict": "not_mentioned"},
    ]


async def test_a_quote_may_wrap_otherwise_than_its_context() -> None:
    """White space does not count: "refunded\\nwithin" is quoted on one line."""
    judge = told(honest, verdicts(c1=("supported", "It is refunded within 14 days")))
    assert (
        value(await judged("judge.faithfulness", sample("It is refunded within 14 days."), judge), "judge.unfaithful")
        == 0
    )


async def test_a_contradiction_needs_its_quote_too() -> None:
    """With the words that contradict it counts; without any it is no verdict."""
    lie = sample("The fee is 90 euros.")
    shown = told(honest, verdicts(c1=("contradicted", "The fee is 30 euros")))
    outcome = await judged("judge.faithfulness", lie, shown)
    assert value(outcome, "judge.unfaithful") == 1
    assert outcome.details["judge.faithfulness"]["claims"][0]["quote"] == "The fee is 30 euros"
    assert "no word" in reason(await judged("judge.faithfulness", lie, told(honest, verdicts(c1=("contradicted", "")))))


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ("The passages given hold no answer to this question.", 0),
        ("渡された文書の中に、この質問の答えは見つかりませんでした。", 0),
        ("The manual does not say, but the fee is 90 euros.", 2),
    ],
)
async def test_declining_is_counted_apart_and_hides_no_claim(answer: str, asked: int) -> None:
    """A plain "not found" is not unfaithful, relevant or correct; one with a "but" is judged like any answer."""
    judge = FakeJudge()
    outcome = await judged("judge.faithfulness", sample(answer), judge)
    assert len(judge.asked) == asked
    assert value(outcome, "judge.abstained") == float(not asked)
    assert value(outcome, "judge.unfaithful") == float(bool(asked))
    if not asked:
        assert value(await judged("judge.answer_relevance", sample(answer), judge), "judge.beside_the_point") == 1
        given = sample(answer, expected="30 euros")
        assert value(await judged("judge.correctness", given, judge), "judge.incorrect") == 1


async def test_answer_relevance_quotes_the_question() -> None:
    """A claim addresses the question where the judge shows which part of it; not by a quote of the context."""
    asked = sample("The fee is 30 euros. Cats purr.")
    judge = told(honest, verdicts(c1=("addresses", "What is the fee"), c2=("beside", "")))
    outcome = await judged("judge.answer_relevance", asked, judge)
    assert value(outcome, "judge.answer_relevance") == 0.5
    assert value(outcome, "judge.beside_the_point") == 0
    foreign = told(honest, verdicts(c1=("addresses", "The fee is 30 euros"), c2=("beside", "")))
    assert "not stand there" in reason(await judged("judge.answer_relevance", asked, foreign))


async def test_context_relevance_quotes_each_passage_from_itself() -> None:
    """Passage by passage, the first k; words of another passage are no quote. It needs no answer."""
    passages = ["The fee is 30 euros.", "Cats purr.", "Ayako runs the desk."]
    good = verdicts(p1=("relevant", "fee is 30 euros"), p2=("irrelevant", ""))
    outcome = await judged("judge.context_relevance", sample(None, passages), told(good), k=2)
    assert value(outcome, "judge.context_relevance") == 0.5
    assert value(outcome, "judge.useless_context") == 0
    swapped = verdicts(p1=("irrelevant", ""), p2=("relevant", "fee is 30 euros"))
    assert "p2" in reason(await judged("judge.context_relevance", sample(None, passages), told(swapped), k=2))
    none = told(verdicts(p1=("irrelevant", ""), p2=("irrelevant", ""), p3=("irrelevant", "")))
    assert value(await judged("judge.context_relevance", sample(None, passages), none), "judge.useless_context") == 1


@pytest.mark.parametrize(
    ("answer", "f1", "fault"),
    [
        ("The fee is 30 euros. Ayako runs the desk.", 1.0, 0),
        ("The fee is 30 euros.", 2 / 3, 0),
        ("The fee is 30 euros. Cats purr. Dogs bark.", 0.4, 1),
        ("Cats purr.", 0.0, 1),
    ],
)
async def test_correctness_counts_what_is_wrong_and_what_is_missing(answer: str, f1: float, fault: int) -> None:
    """F1 of the claims both ways; half or less is at fault."""
    given = sample(answer, expected="The fee is 30 euros. Ayako runs the desk.")
    outcome = await judged("judge.correctness", given, FakeJudge())
    assert value(outcome, "judge.correctness") == pytest.approx(f1)
    assert value(outcome, "judge.incorrect") == fault


async def test_one_contradiction_makes_an_answer_incorrect() -> None:
    """However much else is right."""
    right, wrong = "It is refunded within 14 days.", "It is refunded within 40 days."
    given = sample(f"The fee is 30 euros. {wrong}", expected=f"The fee is 30 euros. {right}")

    def reply(request: AnswerRequest) -> str:
        if kind_of(request) == "claims":
            return honest(request)
        source = request.messages[1].content.split("<claims")[0]
        return verdicts(
            c1=("supported", "The fee is 30 euros"), c2=("contradicted", right if right in source else wrong)
        )

    outcome = await judged("judge.correctness", given, FakeJudge(reply))
    assert value(outcome, "judge.correctness") == 0.5
    assert value(outcome, "judge.incorrect") == 1


async def test_no_expected_answer_is_no_score() -> None:
    """There is nothing to compare with."""
    assert "expected answer is empty" in reason(await judged("judge.correctness", sample(), FakeJudge()))


async def test_every_call_is_at_temperature_0_with_a_seed_and_a_schema() -> None:
    """Whatever the model's manifest says of its temperature; context and length are the manifest's."""
    judge = FakeJudge()
    await judged("judge.faithfulness", sample(), judge, options={"temperature_bp": 9000, "num_ctx": 8192})
    for request in judge.asked:
        assert request.options == {"num_ctx": 8192, "num_predict": 192 * 3, "temperature_bp": 0}
        assert request.seed == SEED
        assert request.schema is not None
        assert request.schema["additionalProperties"] is False


async def test_a_judge_that_flips_its_verdict_has_none() -> None:
    """Votes differ: Unscored, not a majority."""

    def reply(request: AnswerRequest) -> str:
        if kind_of(request) == "verdicts" and request.seed == SEED + 2:
            return verdicts(c1=("supported", "The fee is 30 euros"), c2=("not_mentioned", ""))
        return honest(request)

    steady = await judged("judge.faithfulness", sample(), FakeJudge(reply), votes=2)
    assert value(steady, "judge.faithfulness") == 1
    flipped = await judged("judge.faithfulness", sample(), FakeJudge(reply), votes=3)
    assert "flips its verdict on c2: not_mentioned and supported" in reason(flipped)


async def test_votes_change_the_seed_and_the_order() -> None:
    """At temperature 0 another seed alone would ask the same again."""
    judge = FakeJudge()
    await judged("judge.faithfulness", sample(), judge, votes=3)
    asked = [request for request in judge.asked if kind_of(request) == "verdicts"]
    assert [request.seed for request in asked] == [SEED, SEED + 1, SEED + 2]
    orders = [list((request.schema or {})["properties"]) for request in asked]
    assert orders == [["c1", "c2"], ["c2", "c1"], ["c1", "c2"]]


async def test_a_host_that_fails_is_a_reason() -> None:
    """The case has no score, and says that it was not the answer's fault."""

    def down(_: AnswerRequest) -> str:
        raise ModelFailed("no Ollama host answers at http://127.0.0.1:9")

    assert "could not be asked: no Ollama host" in reason(await judged("judge.faithfulness", sample(), FakeJudge(down)))


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.parametrize("params", [{"votes": 0}, {"votes": 10}, {"k": 0}, {"threshold": 1}])
def test_bad_parameters_are_named(name: str, params: dict[str, Any]) -> None:
    """Before a run is queued."""
    with pytest.raises(Invalid) as refusal:
        measures([(name, params)], Target.ANSWERS)
    assert refusal.value.fields[0].path.startswith("$.scorers[0].params")


@pytest.mark.parametrize("name", JUDGED)
def test_each_declares_a_metric_to_cap(name: str) -> None:
    """Its first metric is a share, its second is 1 where the case is at fault, and less of that is better."""
    scorer = SCORERS[name]
    assert scorer.metrics[0] == name
    assert scorer.fault == scorer.metrics[1]
    assert set(scorer.metrics[1:]) <= LOWER_IS_BETTER
    assert name not in LOWER_IS_BETTER


def test_a_japanese_quote_stands_where_lines_wrap() -> None:
    """Japanese wraps inside words; case, spelling and punctuation still count."""
    assert stands_in("手数料は三十ユーロ", "手数\n料は 三十ユーロです。")
    assert not stands_in("手数料は四十ユーロ", "手数料は三十ユーロです。")
    assert not stands_in("the fee", "The fee")
    assert not stands_in(" \n", "The fee")
    assert bears_on("手数料は三十ユーロ", "The fee is 30 euros")


@given(text=st.text(max_size=200), word=st.sampled_from(["context", "claims"]))
def test_no_text_holds_its_own_fence(text: str, word: str) -> None:
    """Whatever it is, neither line stands in it."""
    fenced = fence(word, text)
    assert fenced.open not in text
    assert fenced.close not in text
    assert fenced.text == text
