"""The scorers a suite may name. Each is one short pure function of a `Sample`, and says what it is in its `Scorer`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sekisho.evaluation import grounding, retrieval
from sekisho.evaluation.types import Sample, Score, Scored, Target, Unscored
from sekisho.evaluation.words import words
from sekisho.kernel.errors import FieldError, Invalid

MAX_K: Final = 1000
MAX_CUTS: Final = 10
GROUNDING: Final = ("hallucinated", "abstained")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One score per metric of the scorer, and what a reader of the case should see."""

    scores: Mapping[str, Score]
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer's declaration. All scores lie in [0, 1].

    `metrics` are the names that its scores get (with ``@k`` added where it takes a cut); `lower_is_better` holds those
    of them that are.
    """

    name: str
    meaning: str
    target: Target
    reads: tuple[str, ...]
    unscored: str
    score: Callable[..., Outcome]
    metrics: tuple[str, ...]
    takes_k: bool = False
    lower_is_better: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Measure:
    """A scorer with its parameters: what a run applies to each sample."""

    scorer: Scorer
    metrics: tuple[str, ...]
    score: Callable[[Sample], Outcome]
    depth: int

    def apply(self, sample: Sample) -> Outcome:
        """Scores of one sample; a case that gave no output is `Unscored` with its reason."""
        if sample.failure is not None:
            return Outcome(dict.fromkeys(self.metrics, Unscored(sample.failure)), {})
        return self.score(sample)


def _ranked(metric: str, value: Callable[[retrieval.Judged], float], sample: Sample) -> Outcome:
    golds = [passage for passage in sample.case.gold if passage.strip()]
    if not golds:
        return Outcome({metric: Unscored("the case names no gold passage")}, {})
    return Outcome({metric: Scored(value(retrieval.judge([hit.text for hit in sample.hits or ()], golds)))}, {})


def recall(sample: Sample, k: int) -> Outcome:
    return _ranked(f"recall@{k}", partial(retrieval.recall, k=k), sample)


def precision(sample: Sample, k: int) -> Outcome:
    return _ranked(f"precision@{k}", partial(retrieval.precision, k=k), sample)


def hit(sample: Sample, k: int) -> Outcome:
    return _ranked(f"hit@{k}", partial(retrieval.hit, k=k), sample)


def ndcg(sample: Sample, k: int) -> Outcome:
    return _ranked(f"ndcg@{k}", partial(retrieval.ndcg, k=k), sample)


def mrr(sample: Sample) -> Outcome:
    return _ranked("mrr", retrieval.reciprocal_rank, sample)


def average_precision(sample: Sample) -> Outcome:
    return _ranked("map", retrieval.average_precision, sample)


def ground(sample: Sample) -> Outcome:
    """1 where any sentence of the answer lacks support in what was retrieved; abstaining is no hallucination."""
    context = "\n\n".join(hit.text for hit in sample.hits or ())
    names = GROUNDING
    answer = sample.answer or ""
    if not answer.strip():
        return Outcome(dict.fromkeys(names, Unscored("the answer is empty")), {})
    if grounding.abstained(answer):
        return Outcome({names[0]: Scored(0.0), names[1]: Scored(1.0)}, {"abstained": True})
    if not context.strip():
        return Outcome(dict.fromkeys(names, Unscored("the context is empty")), {})
    judged = grounding.ground(answer, context, sample.case.question)
    if not judged.sentences:
        return Outcome(dict.fromkeys(names, Unscored("the answer holds no words")), {})
    details: dict[str, Any] = {"probability_bp": round(judged.probability * 10_000), "head": judged.head}
    if judged.outside:
        details["outside"] = judged.outside
    if judged.hallucinated:
        details["unsupported"] = [_flagged(sentence) for sentence in judged.flagged]
    return Outcome({names[0]: Scored(float(judged.hallucinated)), names[1]: Scored(0.0)}, details)


def _flagged(sentence: grounding.Sentence) -> dict[str, Any]:
    return {
        "text": sentence.text,
        "support_bp": round(sentence.support * 10_000),
        "reasons": list(sentence.reasons),
        "spans": [{"start": span.start, "end": span.end, "reason": span.reason} for span in sentence.spans],
    }


def _against_expected(metric: str, value: Callable[[list[str], list[str]], float], sample: Sample) -> Outcome:
    expected = words(sample.case.expected or "")
    if not expected:
        return Outcome({metric: Unscored("the case names no expected answer")}, {})
    return Outcome({metric: Scored(value(words(sample.answer or ""), expected))}, {})


def exact_match(sample: Sample) -> Outcome:
    return _against_expected("exact_match", lambda answer, expected: float(answer == expected), sample)


def contains(sample: Sample) -> Outcome:
    return _against_expected("contains", lambda answer, expected: float(_stands_in(expected, answer)), sample)


def token_f1(sample: Sample) -> Outcome:
    return _against_expected("token_f1", _f1, sample)


def _stands_in(part: Sequence[str], whole: Sequence[str]) -> bool:
    return any(list(whole[i : i + len(part)]) == list(part) for i in range(len(whole) - len(part) + 1))


def _f1(answer: list[str], expected: list[str]) -> float:
    shared = (Counter(answer) & Counter(expected)).total()
    return 2 * shared / (len(answer) + len(expected))


def _scorers() -> Sequence[Scorer]:
    """Every scorer: name, meaning, target, what it reads, when a case has no score."""

    def ranked(name: str, meaning: str, score: Callable[..., Outcome], *, takes_k: bool) -> Scorer:
        reads, unscored = ("hits", "gold"), "the case names no gold passage"
        return Scorer(name, meaning, Target.RETRIEVAL, reads, unscored, score, (name,), takes_k)

    def matched(name: str, meaning: str, score: Callable[..., Outcome]) -> Scorer:
        reads, unscored = ("answer", "expected"), "the case names no expected answer"
        return Scorer(name, meaning, Target.ANSWERS, reads, unscored, score, (name,))

    hallucinated, abstained = GROUNDING
    return (
        ranked("recall", "share of the gold passages among the first k chunks", recall, takes_k=True),
        ranked("precision", "share of the first k places that hold a gold passage", precision, takes_k=True),
        ranked("hit", "whether any of the first k chunks holds a gold passage", hit, takes_k=True),
        ranked("ndcg", "discounted cumulative gain at k over the ideal's, linear gain", ndcg, takes_k=True),
        ranked("mrr", "one over the rank of the first chunk with a gold passage", mrr, takes_k=False),
        ranked("map", "average precision over the gold passages", average_precision, takes_k=False),
        Scorer(
            name="grounding",
            meaning="whether the answer has a sentence that the retrieved passages do not support, or abstains",
            target=Target.ANSWERS,
            reads=("answer", "hits"),
            unscored="the answer or the context is empty",
            score=ground,
            metrics=(hallucinated, abstained),
            lower_is_better=frozenset(GROUNDING),
        ),
        matched("exact_match", "whether the answer is the expected one, word for word", exact_match),
        matched("contains", "whether the expected answer stands in the answer", contains),
        matched("token_f1", "harmonic mean of the precision and recall of the answer's words", token_f1),
    )


SCORERS: Final[Mapping[str, Scorer]] = {scorer.name: scorer for scorer in _scorers()}

LOWER_IS_BETTER: Final = frozenset().union(*(scorer.lower_is_better for scorer in SCORERS.values()))


def measures(uses: Sequence[tuple[str, Mapping[str, Any]]], target: Target) -> tuple[Measure, ...]:
    """The measures of a suite's (name, params) list. Raises `Invalid`, naming every place that is wrong."""
    wrong: list[FieldError] = []
    found: list[Measure] = []
    for index, (name, params) in enumerate(uses):
        found += _measures(f"$.scorers[{index}]", name, params, target, wrong)
    names = [metric for measure in found for metric in measure.metrics]
    wrong += [FieldError("$.scorers", f"{name} is asked for twice") for name, n in Counter(names).items() if n > 1]
    if wrong:
        raise Invalid(
            "the suite cannot be measured",
            fields=wrong,
            remedy="see `sekisho scorers` for what each takes and reads",
        )
    return tuple(found)


def _measures(
    path: str, name: str, params: Mapping[str, Any], target: Target, wrong: list[FieldError]
) -> list[Measure]:
    scorer = SCORERS.get(name)
    if scorer is None:
        wrong.append(FieldError(f"{path}.name", f"unknown scorer {name!r}; known are {', '.join(sorted(SCORERS))}"))
        return []
    if scorer.target is Target.ANSWERS and target is Target.RETRIEVAL:
        wrong.append(FieldError(f"{path}.name", f"{name} scores answers, and the suite's target is retrieval"))
    known = {"k"} if scorer.takes_k else set()
    wrong += [FieldError(f"{path}.params.{key}", "unknown parameter") for key in sorted(set(params) - known)]
    if not scorer.takes_k:
        return [Measure(scorer, scorer.metrics, scorer.score, 10)]
    cuts = params.get("k")
    cuts = cuts if isinstance(cuts, list) else [cuts]
    if not 1 <= len(cuts) <= MAX_CUTS or not all(type(k) is int and 1 <= k <= MAX_K for k in cuts):
        wrong.append(
            FieldError(f"{path}.params.k", f"give a whole number from 1 to {MAX_K}, or a list of at most {MAX_CUTS}")
        )
        return []
    return [Measure(scorer, (f"{scorer.metrics[0]}@{k}",), partial(scorer.score, k=k), k) for k in cuts]


def known_scorers() -> frozenset[str]:
    """The names that a suite may use; the registry asks this when a suite is registered."""
    return frozenset(SCORERS)
