"""The scorers ``judge.*``: a language model takes an answer apart and says of each part what it is worth.

Each gives the share of good verdicts, and beside it a metric that is 1 where the case is at fault: that one a policy
caps, and qualification compares it with labels.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta

from sekisho.evaluation import grounding
from sekisho.evaluation.judges.asking import Unusable
from sekisho.evaluation.judges.claims import extract
from sekisho.evaluation.judges.fencing import fence
from sekisho.evaluation.judges.verdicts import Bench, Item, Verdict, decide
from sekisho.evaluation.scorers.declaration import Measure, Outcome, Params, Scorer
from sekisho.evaluation.types import Sample, Scored, Target
from sekisho.inference.types import Answerer
from sekisho.kernel.errors import Invalid, ModelFailed, TooLarge

SUPPORT: Final = Bench(
    "faithfulness",
    ("supported", "contradicted", "not_mentioned"),
    frozenset({"supported", "contradicted"}),
    related=True,
)
ADDRESS: Final = Bench("answer-relevance", ("addresses", "beside"), frozenset({"addresses"}), related=False)
HELP: Final = Bench("context-relevance", ("relevant", "irrelevant"), frozenset({"relevant"}), related=False)
_TURN: Final = re.compile(
    r"\b(?:but|however|although|though|nevertheless|yet|still|instead|anyway)\b|ただし|しかし|けれど|ですが|ませんが|ないが",
    re.IGNORECASE,
)


class Votes(Params, frozen=True, kw_only=True):
    """``votes``: how often each verdict is asked for; where the votes differ, the case is Unscored."""

    votes: Annotated[int, Meta(ge=1, le=9)] = 1


class PassageVotes(Votes, frozen=True, kw_only=True):
    """``k``: how many of the retrieved passages are judged, the first ones."""

    k: Annotated[int, Meta(ge=1, le=50)] = 5


Asked = Callable[[Sample, Answerer], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class _Careful:
    """Whatever the judge cannot do is a reason for no score, never a score."""

    ask: Asked
    metrics: tuple[str, ...]
    scorer: Scorer

    async def __call__(self, sample: Sample, judge: Answerer) -> Outcome:
        try:
            return await self.ask(sample, judge)
        except Unusable as problem:
            reason = str(problem)
        except ModelFailed as error:
            reason = f"the judge could not be asked: {error.detail}"
        except (Invalid, TooLarge) as error:
            reason = f"the material does not fit into a judge's prompt: {error.detail}"
        return Measure(self.scorer, self.metrics).unscored(reason)


def declines(answer: str) -> bool:
    """Whether the answer says that it does not know, and nothing besides."""
    return grounding.abstained(answer) and _TURN.search(answer) is None


async def faithfulness(sample: Sample, judge: Answerer, votes: int) -> Outcome:
    """Share of the answer's claims that the retrieved passages support; 1 for an answer that declines."""
    answer, context = _given(sample.answer, "answer"), _context(sample)
    if declines(answer):
        return _scores(FAITHFULNESS, 1.0, 0.0, 1.0)
    verdicts = await _supported(judge, answer, context, votes)
    share = _share(verdicts, "supported")
    return _scores(FAITHFULNESS, share, float(share < 1), 0.0, claims=verdicts)


async def answer_relevance(sample: Sample, judge: Answerer, votes: int) -> Outcome:
    """Share of the answer's claims that address the question; 0 for an answer that declines."""
    answer, question = _given(sample.answer, "answer"), _given(sample.case.question, "question")
    if declines(answer):
        return _scores(RELEVANCE, 0.0, 1.0)
    asked = fence("question", question).as_variable()
    verdicts = await _on_claims(judge, ADDRESS, answer, question, {"question": asked}, votes)
    share = _share(verdicts, "addresses")
    return _scores(RELEVANCE, share, float(share < 0.5), claims=verdicts)


async def context_relevance(sample: Sample, judge: Answerer, votes: int, k: int) -> Outcome:
    """Share of the first k retrieved passages that help to answer the question."""
    question = _given(sample.case.question, "question")
    texts = [hit.text for hit in (sample.hits or ())[:k] if hit.text.strip()]
    if not texts:
        raise Unusable("the context is empty")
    items = [Item(f"p{number}", text, text) for number, text in enumerate(texts, 1)]
    asked = fence("question", question).as_variable()

    def variables(group: Sequence[Item]) -> dict[str, Any]:
        fenced = [{"name": item.name, **fence("passage", item.text).as_variable()} for item in group]
        return {"question": asked, "passages": fenced}

    verdicts = await decide(judge, HELP, items, variables, votes)
    share = _share(verdicts, "relevant")
    shown = [Verdict("", one.verdict, one.quote) for one in verdicts]  # the passages stand in the case already
    return _scores(CONTEXT, share, float(share == 0), passages=shown)


async def correctness(sample: Sample, judge: Answerer, votes: int) -> Outcome:
    """F1 of the claims: those of the answer that the expected answer supports, and the other way round.

    At fault where the expected answer contradicts any claim, or half of the claims or more do not meet.
    """
    answer, expected = _given(sample.answer, "answer"), _given(sample.case.expected, "expected answer")
    if declines(answer):
        return _scores(CORRECTNESS, 0.0, 1.0)
    told = await _supported(judge, answer, expected, votes)
    held = await _supported(judge, expected, answer, votes)
    right, wrong = _count(told, "supported"), len(told) - _count(told, "supported")
    missed = len(held) - _count(held, "supported")
    value = 2 * right / (2 * right + wrong + missed) if right else 0.0
    fault = value <= 0.5 or _count(told, "contradicted") > 0
    return _scores(CORRECTNESS, value, float(fault), claims=told, expected=held)


async def _supported(judge: Answerer, text: str, source: str, votes: int) -> tuple[Verdict, ...]:
    return await _on_claims(judge, SUPPORT, text, source, {"context": fence("context", source).as_variable()}, votes)


async def _on_claims(
    judge: Answerer, bench: Bench, text: str, source: str, given: Mapping[str, Any], votes: int
) -> tuple[Verdict, ...]:
    claims = await extract(judge, text)
    items = [Item(f"c{number}", claim, source) for number, claim in enumerate(claims, 1)]

    def variables(group: Sequence[Item]) -> dict[str, Any]:
        listed = fence("claims", "\n".join(f"{item.name}: {item.text}" for item in group))
        return {**given, "claims": listed.as_variable()}

    return await decide(judge, bench, items, variables, votes)


def _given(text: str | None, what: str) -> str:
    if text is None or not text.strip():
        raise Unusable(f"the {what} is empty")
    return text


def _context(sample: Sample) -> str:
    return _given("\n\n".join(hit.text for hit in sample.hits or ()), "context")


def _count(verdicts: Sequence[Verdict], word: str) -> int:
    return sum(one.verdict == word for one in verdicts)


def _share(verdicts: Sequence[Verdict], word: str) -> float:
    return _count(verdicts, word) / len(verdicts)


def _scores(metrics: Sequence[str], *values: float, **shown: Sequence[Verdict]) -> Outcome:
    scores = {name: Scored(value) for name, value in zip(metrics, values, strict=True)}
    listed = {name: [one.as_json() for one in verdicts] for name, verdicts in shown.items()}
    return Outcome(scores, {metrics[0]: listed} if listed else {})


FAITHFULNESS: Final = ("judge.faithfulness", "judge.unfaithful", "judge.abstained")
RELEVANCE: Final = ("judge.answer_relevance", "judge.beside_the_point")
CONTEXT: Final = ("judge.context_relevance", "judge.useless_context")
CORRECTNESS: Final = ("judge.correctness", "judge.incorrect")


def _measures(ask: Callable[..., Awaitable[Outcome]]) -> Callable[[Scorer, Any], tuple[Measure, ...]]:
    def measures(scorer: Scorer, params: Votes) -> tuple[Measure, ...]:
        bound: Asked = partial(ask, votes=params.votes)
        depth = 10
        if isinstance(params, PassageVotes):
            bound, depth = partial(ask, votes=params.votes, k=params.k), params.k
        careful = _Careful(bound, scorer.metrics, scorer)
        return (Measure(scorer, scorer.metrics, ask=careful, depth=depth),)

    return measures


def _scorer(
    metrics: tuple[str, ...],
    meaning: str,
    ask: Callable[..., Awaitable[Outcome]],
    *,
    reads: tuple[str, ...],
    prompts: tuple[str, ...],
    target: Target = Target.ANSWERS,
    params: type[Params] = Votes,
    detects: frozenset[str] = frozenset(),
) -> Scorer:
    return Scorer(
        name=metrics[0],
        meaning=meaning,
        target=target,
        reads=reads,
        unscored="what it reads is empty, the judge cannot be asked, its output is unusable twice, or its votes differ",
        metrics=metrics,
        measures=_measures(ask),
        params=params,
        lower_is_better=frozenset(metrics[1:]),
        judged=True,
        prompts=(*prompts, "repair"),
        fault=metrics[1],
        detects=detects,
    )


SCORERS: Final = (
    _scorer(
        FAITHFULNESS,
        "share of the answer's claims that the retrieved passages support, by a judge that quotes them",
        faithfulness,
        reads=("answer", "hits"),
        prompts=("claims", "faithfulness"),
        detects=frozenset(FAITHFULNESS[1:2]),
    ),
    _scorer(
        RELEVANCE,
        "share of the answer's claims that address the question, by a judge that quotes it",
        answer_relevance,
        reads=("answer", "question"),
        prompts=("claims", "answer-relevance"),
    ),
    _scorer(
        CONTEXT,
        "share of the first k retrieved passages that help to answer the question, by a judge that quotes them",
        context_relevance,
        reads=("hits", "question"),
        prompts=("context-relevance",),
        target=Target.RETRIEVAL,
        params=PassageVotes,
    ),
    _scorer(
        CORRECTNESS,
        "F1 between the claims of the answer and of the expected answer, by a judge that quotes both",
        correctness,
        reads=("answer", "expected"),
        prompts=("claims", "faithfulness"),
    ),
)
