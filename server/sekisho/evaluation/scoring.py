"""Scoring without a server: rows in, scores out, one at a time. The door of `sekisho score` and of notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from sekisho.evaluation import grounding
from sekisho.evaluation.rows import Row, read_row, text_of
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER, SCORERS, measures
from sekisho.evaluation.scorers.declaration import Measure
from sekisho.evaluation.types import Score, Scored, Target, Unscored, score_json
from sekisho.kernel.errors import FieldError, Invalid

GROUNDING: Final = "grounding"
MAX_REASONS: Final = 100

Use = str | tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Scoring:
    """Scorers with their parameters, checked once, ready for any number of rows."""

    measures: tuple[Measure, ...]

    def row(self, raw: object, number: int) -> dict[str, Any]:
        """What the scorers say of one row, with its number. Raises `Invalid` where the row has a wrong field."""
        row = read_row(raw)
        sample = row.sample()
        scores: dict[str, Score] = {}
        details: dict[str, Any] = {}
        found: dict[str, Any] = {"row": number}
        if row.id is not None:
            found["id"] = row.id
        for measure in self.measures:
            if measure.scorer.name == GROUNDING:
                grounded = ground_row(row)
                scores.update(grounded.scores)
                found.update(grounded.shown)
            elif measure.score is not None:
                outcome = measure.score(sample)
                scores.update(outcome.scores)
                details.update(outcome.details)
        found["scores"] = {name: score_json(score) for name, score in scores.items()}
        return {**found, "details": details} if details else found


@dataclass(frozen=True, slots=True)
class Grounded:
    """The metrics of `grounding` for a row, and what a reader is shown."""

    scores: Mapping[str, Score]
    shown: Mapping[str, Any]


def ground_row(row: Row) -> Grounded:
    """`grounding` over a row: the one place that knows the shape of its verdict.

    Shown are ``probability`` that the answer holds something unsupported (null where there is none), ``verdict``
    (``supported``, ``unsupported``, ``abstained`` or ``unscored``), and ``spans``: the flagged parts of the answer with
    their places in characters and the reasons. Where it is not ``calibrated``, ``outside`` says why.
    """
    answer, grounds = row.said, row.grounds
    if answer is None or not answer.strip():
        return _no_verdict("there is no answer" if answer is None else "the answer is empty")
    if grounding.abstained(answer):
        return Grounded(_metrics(0.0, 1.0), {"probability": 0.0, "verdict": "abstained", "spans": []})
    if grounds is None or not text_of(grounds).strip():
        return _no_verdict("there is no context" if grounds is None else "the context is empty")
    judged = grounding.ground(answer, grounds, row.question)
    if not judged.sentences:
        return _no_verdict("the answer holds no words")
    shown = {
        "probability": round(judged.probability, 6),
        "verdict": "unsupported" if judged.hallucinated else "supported",
        "spans": [_span(answer, sentence) for sentence in judged.flagged] if judged.hallucinated else [],
        "calibrated": judged.calibrated,
        **({} if judged.outside is None else {"outside": judged.outside}),
    }
    return Grounded(_metrics(float(judged.hallucinated), 0.0), shown)


@dataclass(slots=True)
class Tally:
    """Counts over rows, in memory that does not grow with them."""

    rows: int = 0
    bad: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    scored: Counter[str] = field(default_factory=Counter)
    unscored: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, scored: Mapping[str, Any]) -> None:
        self.rows += 1
        for metric, score in scored["scores"].items():
            if "value" in score:
                self.scored[metric] += 1
                self.sums[metric] = self.sums.get(metric, 0.0) + score["value"]
            else:
                key = (metric, score["unscored"])
                self.unscored[key if key in self.unscored or len(self.unscored) < MAX_REASONS else (metric, "…")] += 1

    def summary(self) -> dict[str, Any]:
        """Rows, bad rows, and per metric how many were scored, their mean, and why the others were not."""
        names = dict.fromkeys([*self.scored, *(metric for metric, _ in self.unscored)])
        return {"rows": self.rows, "bad": self.bad, "metrics": {name: self._metric(name) for name in names}}

    def _metric(self, name: str) -> dict[str, Any]:
        reasons = {reason: n for (metric, reason), n in self.unscored.most_common() if metric == name}
        n = self.scored[name]
        told = {"n": n, "unscored": sum(reasons.values()), "lower_is_better": name in LOWER_IS_BETTER}
        return {**told, **({"mean": self.sums[name] / n} if n else {}), **({"reasons": reasons} if reasons else {})}


def make_scoring(scorers: Sequence[Use], params: Mapping[str, Any]) -> Scoring:
    """Scorers by name, or by (name, parameters), with further parameters: ``k`` for all that take it, ``recall.k`` for
    one.

    Raises `Invalid`, naming each place that is wrong, and `ExtraMissing` where a scorer imports what is not installed.
    """
    if not scorers:
        raise Invalid("no scorer is named", fields=[FieldError("$.scorers", f"name any of {', '.join(offline())}")])
    uses = [(use, {}) if isinstance(use, str) else (use[0], dict(use[1])) for use in scorers]
    wrong = [
        FieldError(f"$.scorers[{index}].name", f"{name} asks a judge; measure it by a suite, with `sekisho eval`")
        for index, (name, _) in enumerate(uses)
        if name in SCORERS and SCORERS[name].judged
    ]
    taken: set[str] = set()
    for name, given in uses:
        fields = _fields(name)
        # What is meant for one scorer goes before what is meant for all.
        for key, value in sorted(params.items(), key=lambda item: "." not in item[0]):
            scorer, _, own = key.rpartition(".")
            if own in fields and scorer in {"", name}:
                given.setdefault(own, value)
                taken.add(key)
    wrong += [FieldError(f"$.params.{key}", "no scorer named takes it") for key in params if key not in taken]
    if wrong:
        raise Invalid("the scorers cannot be used", fields=wrong, remedy="see `sekisho scorers` for what each takes")
    return Scoring(measures(uses, Target.ANSWERS))


def offline() -> list[str]:
    """The scorers that need no server and no judge."""
    return sorted(name for name, scorer in SCORERS.items() if not scorer.judged)


def score_rows(rows: Iterable[Mapping[str, Any]], scoring: Scoring) -> Iterator[dict[str, Any]]:
    """Scores of each row, as it comes. Raises `Invalid`, naming the row, at the first that is wrong."""
    for number, raw in enumerate(rows, 1):
        try:
            yield scoring.row(raw, number)
        except Invalid as error:
            fields = [FieldError(f"row {number}, {place.path}", place.message) for place in error.fields]
            raise Invalid(error.detail, fields=fields, remedy=error.remedy) from error


def _fields(scorer: str) -> frozenset[str]:
    if scorer not in SCORERS:
        return frozenset()
    return frozenset(item.encode_name for item in msgspec.structs.fields(SCORERS[scorer].params))


def _metrics(hallucinated: float, abstained: float) -> dict[str, Score]:
    return {"hallucinated": Scored(hallucinated), "abstained": Scored(abstained)}


def _no_verdict(reason: str) -> Grounded:
    scores: dict[str, Score] = dict.fromkeys(SCORERS[GROUNDING].metrics, Unscored(reason))
    return Grounded(scores, {"probability": None, "verdict": "unscored", "spans": [], "unscored": reason})


def _span(answer: str, sentence: grounding.Sentence) -> dict[str, Any]:
    """A flagged sentence with its place, why, and the places within it that spoke against it."""
    return {
        "start": sentence.start,
        "end": sentence.end,
        "text": answer[sentence.start : sentence.end],
        "reasons": list(sentence.reasons),
        "parts": [{"start": span.start, "end": span.end, "reason": span.reason} for span in sentence.spans],
    }
