"""Control cases: did the scorers notice what is known to be wrong? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sekisho.evaluation.scorers.declaration import Measure
from sekisho.evaluation.types import CaseResult, Scored

HALF: Final = 0.5
MAX_LISTED: Final = 20


def control_summary(results: Sequence[CaseResult], measures: Iterable[Measure], allowed: int) -> dict[str, Any] | None:
    """How many control cases a scorer missed, of those that a run met; None where it met none, or none could notice.

    A case is missed where any metric that ought to notice does not: its score lies on the good side of one half, or
    there is no score. A scorer that breaks off on an instruction has not caught it.
    """
    watching = {name: measure.scorer.lower_is_better for measure in measures for name in measure.scorer.detects}
    met = [result for result in results if result.is_control]
    if not met or not watching:
        return None
    missed = sorted({result.case_id for result in met if _missed(result, watching)})
    return {
        "planned": len({result.case_id for result in met}),
        "missed": len(missed),
        "allowed": allowed,
        "missed_cases": missed[:MAX_LISTED],
    }


def control_verdict(summary: Mapping[str, Any]) -> str | None:
    """Why the controls make a run inconclusive, or None where they do not."""
    found = summary.get("controls")
    if found is None or found["missed"] <= found["allowed"]:
        return None
    return (
        f"the scorers missed {found['missed']} of {found['planned']} control cases, and the suite allows"
        f" {found['allowed']}: {', '.join(found['missed_cases'][:5])}"
    )


def _missed(result: CaseResult, watching: Mapping[str, frozenset[str]]) -> bool:
    for name, lower in watching.items():
        score = result.scores.get(name)
        if not isinstance(score, Scored):
            return True
        if (score.value < HALF) if name in lower else (score.value >= HALF):
            return True
    return False
