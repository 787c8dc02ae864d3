"""What a judge may not answer: each is shown to it once, and then there is no score."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sekisho.evaluation.judges.asking import MAX_OUTPUT
from tests.evaluation.judges.benches import FakeJudge, honest, judged, kind_of, reason, sample, told, value

WHOLE = '{"c1": {"quote": "The fee is 30 euros.", "verdict": "supported"}, "c2": '
BAD_VERDICTS: dict[str, tuple[str, str]] = {
    "prose": ("Both claims look fine to me.", "not JSON"),
    "fenced JSON": ("```json\n{}\n```", "not JSON"),
    "half JSON": (WHOLE + '{"quote": "Aya', "not JSON"),
    "nothing": ("", "empty"),
    "blanks": (" \n\t", "empty"),
    "a list": ("[]", "a list"),
    "an empty object": ("{}", "nothing about c1, c2"),
    "one claim passed over": (WHOLE[: WHOLE.index(', "c2"')] + "}", "nothing about c2"),
    "a claim nobody asked about": (WHOLE + '{"quote": "", "verdict": "not_mentioned"}, "c9": 1}', "nobody asked"),
    "the wrong enum": (WHOLE + '{"quote": "Ayako runs the desk", "verdict": "SUPPORTED!"}}', "not one of"),
    "an enum of another bench": (WHOLE + '{"quote": "Ayako runs the desk", "verdict": "relevant"}}', "not one of"),
    "a verdict that is no text": (WHOLE + '{"quote": "Ayako runs the desk", "verdict": ["supported"]}}', "not one of"),
    "a quote that is not there": (WHOLE + '{"quote": "Ayako left", "verdict": "supported"}}', "not stand there"),
    "no quote": (WHOLE + '{"quote": "", "verdict": "supported"}}', "no word"),
    "a quote of stop words": (WHOLE + '{"quote": "The", "verdict": "supported"}}', "no word"),
    "a quote beside the claim": (WHOLE + '{"quote": "within 14 days", "verdict": "supported"}}', "nothing to do"),
    "no verdict": (WHOLE + '{"quote": "Ayako runs the desk"}}', "not an object of quote and verdict"),
    "a quote that is no text": (WHOLE + '{"quote": 7, "verdict": "supported"}}', "no text"),
    "the same key twice": (WHOLE[: WHOLE.index(', "c2"')] + ', "c1": 1}', "twice"),
    "NaN": (WHOLE + "NaN}", "NaN"),
    "a NUL": (WHOLE + '{"quote": "\\u0000", "verdict": "supported"}}', "NUL"),
    "ten megabytes": ("[" * 10_000_000, "10000000 characters"),
    "ten megabytes of JSON": (json.dumps({"c1": "x" * 10_000_000}), "characters long"),
}  # fmt: skip


def then_verdict(output: str) -> FakeJudge:
    """Takes the answer apart honestly, and answers this when it is asked for verdicts."""
    return FakeJudge(lambda request: honest(request) if kind_of(request) == "claims" else output)


@pytest.mark.parametrize(("output", "why"), BAD_VERDICTS.values(), ids=BAD_VERDICTS.keys())
async def test_what_cannot_be_used_is_repaired_once_and_then_unscored(output: str, why: str) -> None:
    """The judge is asked twice, told what was wrong the second time, and the reason says it too."""
    judge = then_verdict(output)
    outcome = await judged("judge.faithfulness", sample(), judge)
    assert why in reason(outcome)
    assert "repair" in reason(outcome)
    assert [kind_of(request) for request in judge.asked] == ["claims", "verdicts", "verdicts"]
    last = judge.asked[-1].messages
    assert (last[-2].role, last[-1].role) == ("assistant", "user")
    assert why in last[-1].content
    assert sum(len(message.content) for message in last) < 10_000


async def test_a_repaired_output_counts() -> None:
    """One slip costs a call, not the case."""
    judge = told(honest, "Let me see.", honest)
    outcome = await judged("judge.faithfulness", sample(), judge)
    assert value(outcome, "judge.faithfulness") == 1
    assert len(judge.asked) == 3


BAD_CLAIMS: dict[str, tuple[Any, str]] = {
    "no claim at all": ({"s1": [], "s2": []}, "needs one to"),
    "a sentence passed over": ({"s1": ["The fee is 30 euros."]}, "nothing about s2"),
    "an invented claim": ({"s1": ["The fee is 30 euros."], "s2": ["Napoleon lost."]}, "shares no word"),
    "a claim of another sentence": ({"s1": ["The fee is 30 euros."], "s2": ["The fee is due."]}, "with the sentence"),
    "an invented number": ({"s1": ["The fee is 30 of 40 euros."], "s2": ["Ayako runs the desk."]}, "40"),
    "a number passed over": ({"s1": ["There is a fee in euros."], "s2": ["Ayako runs the desk."]}, "30"),
    "claims that are no texts": ({"s1": [1], "s2": ["Ayako runs the desk."]}, "no list of claims"),
    "an endless claim": ({"s1": ["The fee is 30 euros. " * 100], "s2": ["Ayako runs the desk."]}, "at most"),
    "too many claims": ({"s1": ["The fee is 30 euros."] * 20, "s2": ["Ayako runs the desk."]}, "needs one to"),
}


@pytest.mark.parametrize(("output", "why"), BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
async def test_a_judge_that_hides_or_invents_claims_is_not_believed(output: Any, why: str) -> None:
    """No claims would make every answer perfect; so each sentence and each number must come back."""
    outcome = await judged("judge.faithfulness", sample(), told(json.dumps(output)))
    assert why in reason(outcome)


async def test_an_output_that_ends_in_blanks_at_its_limit_is_whole() -> None:
    """Small models fill up with blanks after their object; what decodes is whole, what does not says why."""
    judge = FakeJudge(lambda request: honest(request) + "\n\t" * 200, finish="length")
    assert value(await judged("judge.faithfulness", sample(), judge), "judge.faithfulness") == 1
    cut = then_verdict(WHOLE)
    cut.finish = "length"
    assert "cut off at num_predict" in reason(await judged("judge.faithfulness", sample(), cut))


async def test_the_limit_of_an_output_holds_before_it_is_parsed() -> None:
    """One character over is too long, however good it is."""
    judge = then_verdict("")
    judge.reply = lambda request: honest(request).ljust(MAX_OUTPUT + 1)
    assert "characters long" in reason(await judged("judge.faithfulness", sample(), judge))


@pytest.mark.parametrize("text", ["", "  \n", "。", "—…!"])
async def test_an_empty_answer_has_no_score(text: str) -> None:
    """Nothing said is neither faithful nor unfaithful, and the judge is not even asked."""
    judge = FakeJudge()
    outcome = await judged("judge.faithfulness", sample(text), judge)
    assert "empty" in reason(outcome) or "no words" in reason(outcome)
    assert judge.asked == []


@pytest.mark.parametrize("scorer", ["judge.faithfulness", "judge.context_relevance"])
async def test_an_empty_context_has_no_score(scorer: str) -> None:
    """There is nothing that could support, and nothing that could help."""
    judge = FakeJudge()
    assert "the context is empty" in reason(await judged(scorer, sample(context=["", " "]), judge))
    assert judge.asked == []


@pytest.mark.parametrize("pages", [20, 200, 2_000])
async def test_a_context_over_num_ctx_is_told_and_never_cut(pages: int) -> None:
    """A book as context: no score, the reason names the limit, and no shortened prompt is ever sent."""
    book = ["The fee is 30 euros and the desk opens at nine. " * 52] * pages
    judge = FakeJudge()
    outcome = await judged("judge.faithfulness", sample(context=book), judge, options={"num_ctx": 2048})
    assert any(word in reason(outcome) for word in ("cannot fit", "does not fit")), reason(outcome)
    assert [kind_of(request) for request in judge.asked] == ["claims"]


async def test_an_answer_without_end_is_told() -> None:
    """More sentences than a judge is asked about: no score, and none of them is dropped in silence."""
    judge = FakeJudge()
    outcome = await judged("judge.faithfulness", sample("The fee is 30 euros.\n" * 500), judge)
    assert "500 sentences" in reason(outcome)
    assert judge.asked == []


async def test_a_long_answer_is_judged_in_groups_and_whole() -> None:
    """Twenty sentences take three questions for claims and three for verdicts, and every claim is there."""
    judge = FakeJudge()
    text = "\n".join(f"Desk {n} opens at nine." for n in range(20))
    outcome = await judged("judge.faithfulness", sample(text, text), judge)
    assert value(outcome, "judge.faithfulness") == 1
    assert len(outcome.details["judge.faithfulness"]["claims"]) == 20
    assert [kind_of(request) for request in judge.asked] == ["claims"] * 3 + ["verdicts"] * 3
