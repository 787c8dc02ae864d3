"""Every scorer by name, and a suite's list of them read into measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

import msgspec

from sekisho.evaluation.scorers import (
    costs,
    grounded,
    judged,
    matching,
    numbers,
    patterns,
    ranking,
    refusing,
    structure,
)
from sekisho.evaluation.scorers.declaration import SHARE, Measure, Scorer
from sekisho.evaluation.types import Target
from sekisho.kernel.errors import ExtraMissing, FieldError, Invalid
from sekisho.registry.schemas import violations

SCORERS: Final[Mapping[str, Scorer]] = {
    scorer.name: scorer
    for family in (ranking, grounded, judged, matching, numbers, patterns, structure, refusing, costs)
    for scorer in family.SCORERS
}

LOWER_IS_BETTER: Final = frozenset().union(*(scorer.lower_is_better for scorer in SCORERS.values()))
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    metric: scorer.range for scorer in SCORERS.values() if scorer.range != SHARE for metric in scorer.metrics
}
"""The metrics that are no share of something, with their ranges; every other lies in [0, 1]."""
UNITS: Final[Mapping[str, str]] = {
    metric: scorer.unit for scorer in SCORERS.values() if scorer.unit for metric in scorer.metrics
}
"""What those metrics count."""


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
            "the scorers cannot be used like this",
            fields=wrong,
            remedy="see `sekisho scorers` for what each takes and reads",
        )
    return tuple(found)


def _measures(
    path: str, name: str, params: Mapping[str, Any], target: Target, wrong: list[FieldError]
) -> tuple[Measure, ...]:
    scorer = SCORERS.get(name)
    if scorer is None:
        wrong.append(FieldError(f"{path}.name", f"unknown scorer {name!r}; known are {', '.join(sorted(SCORERS))}"))
        return ()
    if scorer.target is Target.ANSWERS and target is Target.RETRIEVAL:
        wrong.append(FieldError(f"{path}.name", f"{name} scores answers, and the suite's target is retrieval"))
    try:
        return with_params(scorer, params)
    except Invalid as error:
        wrong += [FieldError(f"{path}.params{one.path.removeprefix('$')}", one.message) for one in error.fields]
        return ()


def with_params(scorer: Scorer, params: Mapping[str, Any]) -> tuple[Measure, ...]:
    """The measures of one scorer with these parameters.

    Raises `Invalid`, with paths from the parameters' root, and `ExtraMissing` where the scorer imports what is not
    installed.
    """
    if bad := violations(scorer.params, dict(params)):
        raise Invalid(f"the parameters of {scorer.name} are wrong", fields=bad)
    for module in scorer.modules:
        if find_spec(module) is None:
            raise ExtraMissing(
                f"the scorer {scorer.name} needs the extra {scorer.extra!r}: the module {module} is not installed",
                remedy=f"pip install 'sekisho[{scorer.extra}]'",
            )
    return scorer.measures(scorer, msgspec.convert(dict(params), scorer.params))


def known_scorers() -> frozenset[str]:
    """The names that a suite may use; the registry asks this when a suite is registered."""
    return frozenset(SCORERS)
