"""From features to a verdict: a probability per sentence and for the answer, the spans, and the reasons in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.evaluation.grounding import evidence, rule
from sekisho.evaluation.grounding.evidence import Span
from sekisho.evaluation.grounding.features import NAMES, Ground, Judged
from sekisho.evaluation.grounding.head import Head
from sekisho.evaluation.grounding.language import outside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One answer sentence, where it stands, and the probability that it holds something unsupported."""

    text: str
    start: int
    end: int
    probability: float
    supported: bool
    reasons: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def support(self) -> float:
        return 1 - self.probability


@dataclass(frozen=True, slots=True)
class Grounding:
    """An answer judged.

    `probability` is that of the answer holding anything unsupported: a frequency among answers like those the head was
    trained on where `calibrated`, an ordering only where not; `outside` then says in words why.
    """

    sentences: tuple[Sentence, ...]
    probability: float
    hallucinated: bool
    abstained: bool
    calibrated: bool
    outside: str | None
    head: str

    @property
    def verdict(self) -> str:
        return "abstained" if self.abstained else "hallucinated" if self.hallucinated else "supported"

    @property
    def doubt(self) -> float:
        """Orders answers by how likely they hold something unsupported."""
        return self.probability

    @property
    def flagged(self) -> tuple[Sentence, ...]:
        """The sentences that look unsupported."""
        return tuple(sentence for sentence in self.sentences if not sentence.supported)


def judge(ground: Ground, head: Head, answer: str, question: str | None, *, abstained: bool) -> Grounding:
    """Judge one answer against a context that was taken apart."""
    judged = ground.sentences(answer, question)
    why = outside(answer, ground.material.text)
    if why is None and judged:
        return _by_head(ground, head, judged, question, abstained)
    return _by_rule(ground, head, judged, why, abstained)


def rows_of(judged: Sequence[Judged]) -> Floats:
    import numpy as np

    return np.array([[sentence.row[name] for name in NAMES] for sentence in judged], np.float64).reshape(-1, len(NAMES))


def kind_of(ground: Ground, question: str | None) -> tuple[float, float, float]:
    """What sort of context and task it is: a question's passages, a text retold, fields."""
    structured = ground.material.structured
    return float(not structured and bool(question)), float(not structured and not question), float(structured)


def _by_head(ground: Ground, head: Head, judged: Sequence[Judged], question: str | None, abstained: bool) -> Grounding:
    import numpy as np

    read = head.read(rows_of(judged), [sentence.copied for sentence in judged], kind_of(ground, question))
    whole = 0.0 if abstained else read.whole
    hallucinated = not abstained and whole >= head.answer_threshold
    worst = int(np.argmax(read.each))
    told = tuple(
        _sentence(
            sentence,
            float(p),
            float(p) < head.sentence_threshold and not (hallucinated and i == worst),
            ground,
            list(zip(NAMES, row, strict=True)),
        )
        for i, (sentence, p, row) in enumerate(zip(judged, read.each, read.moved, strict=True))
    )
    return Grounding(told, whole, hallucinated, abstained, calibrated=True, outside=None, head=head.digest)


def _by_rule(ground: Ground, head: Head, judged: Sequence[Judged], why: str | None, abstained: bool) -> Grounding:
    each = [0.0 if sentence.copied else rule.probability(sentence.row) for sentence in judged]
    told = tuple(_sentence(s, p, p <= 0.5, ground, []) for s, p in zip(judged, each, strict=True))
    whole = 0.0 if abstained or not each else max(each)
    return Grounding(told, whole, whole > 0.5, abstained, calibrated=False, outside=why, head=head.digest)


def _sentence(
    judged: Judged, probability: float, supported: bool, ground: Ground, moved: list[tuple[str, float]]
) -> Sentence:
    place = (judged.text, judged.start, judged.end, round(probability, 6), supported)
    if supported:
        return Sentence(*place, (), ())
    spans = evidence.shown(judged, ground.source) or evidence.novel(judged, ground.source)
    spans = spans or [Span(judged.start, judged.end, "its words stand far apart in the context")]
    reasons = [*dict.fromkeys(span.reason for span in spans), *evidence.phrases(moved)]
    return Sentence(*place, tuple(reasons), tuple(spans))
