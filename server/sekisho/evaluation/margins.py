"""By how much a candidate may be worse than what stands at a stage, and whether it is. The limits are policy's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sekisho.evaluation.statistics import Claim


class Margins(Protocol):
    """What evaluation asks of policy."""

    def of(self, path: str, stage: str) -> Mapping[str, Mapping[str, int]]:
        """Digest of a suite → metric → margin in basis points, for `project/kind/name` at a stage.

        Raises `Invalid` for a stage that there is not.
        """
        ...


class NoMargins:
    """Where no policy is at hand."""

    def of(self, path: str, stage: str) -> Mapping[str, Mapping[str, int]]:
        return {}


def stage_verdict(
    stage: str,
    margins: Mapping[str, int],
    metrics: Mapping[str, Any],
    beside: Mapping[str, Claim | None] | None = None,
) -> dict[str, Any]:
    """What a comparison says of the stage's margins: ``pass`` where all hold, ``fail`` where one does not hold.

    One that is open, or whose metric no case was scored by in both runs, makes it ``inconclusive``. Without a margin
    nothing is claimed, and the outcome is ``none``. ``family`` counts the margins over which Holm's steps went, those
    of other suites too, and ``unmeasured`` those of other suites that stay undecided because a run is missing.
    """
    others = beside or {}
    claims = {name: metrics.get(name, {}).get("holm", {}).get("decision", "inconclusive") for name in sorted(margins)}
    said = set(claims.values())
    outcome = "none" if not said else next((one for one in ("fail", "inconclusive") if one in said), "pass")
    told = [{"metric": name, "margin_bp": margins[name], "decision": decision} for name, decision in claims.items()]
    counted = {"family": len(margins) + len(others), "unmeasured": sum(claim is None for claim in others.values())}
    return {"name": stage, "outcome": outcome, "claims": told, **counted}
