"""Does the answer stand on what was retrieved? The scorer `grounding`, without a language model."""

from __future__ import annotations

from typing import Any, Final

from sekisho.evaluation import grounding
from sekisho.evaluation.scorers.declaration import Outcome, Scorer, plain
from sekisho.evaluation.types import Sample, Scored, Target, Unscored

METRICS: Final = ("hallucinated", "abstained")


def ground(sample: Sample) -> Outcome:
    """1 where the answer probably holds something that what was retrieved does not support; abstaining is none."""
    context = "\n\n".join(hit.text for hit in sample.hits or ())
    names = METRICS
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


SCORERS: Final = (
    Scorer(
        name="grounding",
        meaning="whether the answer probably holds something that the retrieved passages do not support, or abstains",
        target=Target.ANSWERS,
        reads=("answer", "hits"),
        unscored="the answer or the context is empty",
        metrics=METRICS,
        measures=plain(ground),
        lower_is_better=frozenset(METRICS),
        detects=frozenset({"hallucinated"}),
        fault=METRICS[0],
    ),
)
