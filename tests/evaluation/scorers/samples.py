"""Samples and scores in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sekisho.evaluation.scorers.catalogue import SCORERS, with_params
from sekisho.evaluation.scorers.declaration import Outcome
from sekisho.evaluation.types import Case, Hit, Sample, Scored

REQUIRED: Mapping[str, dict[str, Any]] = {
    "recall": {"k": 5},
    "precision": {"k": 5},
    "hit": {"k": 5},
    "ndcg": {"k": 10},
    "regex": {"pattern": "a+"},
    "json_schema": {"schema": {"type": "object"}},
}
"""Parameters without which a scorer cannot be used."""
PURE = [name for name, scorer in SCORERS.items() if not scorer.judged]


def sample(answer: str | None = None, expected: str | None = None, **fields: Any) -> Sample:
    """A case of one question, with this answer; `hits` are texts."""
    texts = fields.pop("hits", ())
    hits = None if texts is None else tuple(Hit(f"c{n}", f"d{n}", text) for n, text in enumerate(texts))
    case = Case("c", "?", gold=tuple(fields.pop("gold", ())), expected=expected, qrels=fields.pop("qrels", {}))
    return Sample(case, hits, answer, **fields)


def outcome(name: str, given: Sample, **params: Any) -> Outcome:
    """What a scorer's one measure says of a sample."""
    (measure,) = with_params(SCORERS[name], {**REQUIRED.get(name, {}), **params})
    assert measure.score is not None
    return measure.score(given)


def scored(name: str, given: Sample, **params: Any) -> float | str:
    """The first metric's value, or why there is none."""
    score = next(iter(outcome(name, given, **params).scores.values()))
    return score.value if isinstance(score, Scored) else score.reason
