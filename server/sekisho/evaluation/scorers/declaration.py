"""What a scorer declares about itself, and a scorer with its parameters as a run applies it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from sekisho.evaluation.types import Sample, Score, Target, Unscored
from sekisho.inference.types import Answerer

SHARE: Final = (0.0, 1.0)
"""The range of a rate or a share."""
UNBOUNDED: Final = (0.0, math.inf)


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of what a scorer takes from a suite; each scorer's own fields are checked before a run is queued."""


class NoParams(Params, frozen=True, kw_only=True):
    """A scorer that takes nothing."""


Label = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""Tells apart two uses of one scorer: ``regex`` with the label ``cites`` gives the metric ``regex.cites``."""


def labelled(metric: str, label: str | None) -> str:
    return metric if label is None else f"{metric}.{label}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One score per metric of the scorer, and what a reader of the case should see."""

    scores: Mapping[str, Score]
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measure:
    """A scorer with its parameters: what a run applies to each sample.

    Exactly one of `score` (pure) and `ask` (asks the suite's judge) is there. `depth` is how many retrieved chunks it
    reads.
    """

    scorer: Scorer
    metrics: tuple[str, ...]
    score: Callable[[Sample], Outcome] | None = None
    ask: Callable[[Sample, Answerer], Awaitable[Outcome]] | None = None
    depth: int = 10

    def unscored(self, reason: str) -> Outcome:
        """No score in any metric, for one reason."""
        return Outcome(dict.fromkeys(self.metrics, Unscored(reason)), {})


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer's declaration.

    `measures` makes the measures of one use from its parameters. `metrics` are the names that its scores get (with
    ``@k`` added where it takes a cut); `lower_is_better` holds those of them that are. `range` bounds every score, and
    `unit` names what it counts where it is no share. `judged`: it asks the suite's judge, a model, with the `prompts`
    of ``evals/judges/``. `fault` is the metric that is 1 where it finds a case at fault: what qualification compares
    with labels. `detects` are the metrics that must notice a control case: an answer which is known to be unsupported.
    `modules` are what it imports from the package's `extra`, where it needs one. `limits`: what a reader of the score
    must know it misses.
    """

    name: str
    meaning: str
    target: Target
    reads: tuple[str, ...]
    unscored: str
    metrics: tuple[str, ...]
    measures: Callable[[Scorer, Any], tuple[Measure, ...]]
    params: type[Params] = NoParams
    range: tuple[float, float] = SHARE
    lower_is_better: frozenset[str] = frozenset()
    judged: bool = False
    detects: frozenset[str] = frozenset()
    unit: str = ""
    extra: str = ""
    modules: tuple[str, ...] = ()
    limits: str = ""
    prompts: tuple[str, ...] = ()
    fault: str | None = None


def plain(score: Callable[[Sample], Outcome]) -> Callable[[Scorer, Any], tuple[Measure, ...]]:
    """The one measure of a scorer that takes no parameters."""
    return lambda scorer, _: (Measure(scorer, scorer.metrics, score),)
