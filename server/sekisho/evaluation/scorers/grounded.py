"""Does the answer stand on what was retrieved? The scorer `grounding`, without a language model."""

from __future__ import annotations

from typing import Final

from sekisho.evaluation import grounding
from sekisho.evaluation.scorers.declaration import Outcome, Scorer, plain
from sekisho.evaluation.types import Sample, Scored, Target, Unscored

METRICS: Final = ("hallucinated", "abstained")


def ground(sample: Sample) -> Outcome:
    """1 where any sentence of the answer lacks support in what was retrieved; abstaining is no hallucination."""
    context = "\n\n".join(hit.text for hit in sample.hits or ())
    names = METRICS
    answer = sample.answer or ""
    if not answer.strip():
        return Outcome(dict.fromkeys(names, Unscored("the answer is empty")), {})
    if grounding.abstained(answer):
        return Outcome({names[0]: Scored(0.0), names[1]: Scored(1.0)}, {"abstained": True})
    if not context.strip():
        return Outcome(dict.fromkeys(names, Unscored("the context is empty")), {})
    judged = grounding.ground(answer, context)
    if not judged.sentences:
        return Outcome(dict.fromkeys(names, Unscored("the answer holds no words")), {})
    flagged = [
        {"text": s.text, "support_bp": round(s.support * 10_000), "reasons": list(s.reasons)}
        for s in judged.sentences
        if not s.supported
    ]
    details = {"unsupported": flagged} if flagged else {}
    return Outcome({names[0]: Scored(float(judged.hallucinated)), names[1]: Scored(0.0)}, details)


SCORERS: Final = (
    Scorer(
        name="grounding",
        meaning="whether the answer has a sentence that the retrieved passages do not support, or abstains",
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
