"""By how much a candidate may be worse than what stands at a stage, and whether it is. The limits are policy's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Margins(Protocol):
    """What evaluation asks of policy."""

    def of(self, path: str, stage: str, suite: str) -> Mapping[str, int]:
        """Metric → margin in basis points, for `project/kind/name` at a stage by the suite of this digest.

        Raises `Invalid` for a stage that there is not.
        """
        ...


class NoMargins:
    """Where no policy is at hand."""

    def of(self, path: str, stage: str, suite: str) -> Mapping[str, int]:
        return {}


def stage_verdict(stage: str, margins: Mapping[str, int], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What a comparison says of the stage's margins: ``pass`` where all hold, ``fail`` where one does not hold.

    One that is open, or whose metric no case was scored by in both runs, makes it ``inconclusive``. Without a margin
    nothing is claimed, and the outcome is ``none``.
    """
    claims = {name: metrics.get(name, {}).get("holm", {}).get("decision", "inconclusive") for name in sorted(margins)}
    said = set(claims.values())
    outcome = "none" if not said else next((one for one in ("fail", "inconclusive") if one in said), "pass")
    told = [{"metric": name, "margin_bp": margins[name], "decision": decision} for name, decision in claims.items()]
    return {"name": stage, "outcome": outcome, "claims": told}
