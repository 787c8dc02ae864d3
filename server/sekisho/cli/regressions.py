"""What `eval` and `compare` make of a comparison: which run to compare with, and the exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sekisho.cli.session import Session
from sekisho.client.evaluation import Evaluation
from sekisho.kernel.errors import NotFound

_OUTCOMES = {"fail": 1, "inconclusive": 3}


def comparison_code(found: Mapping[str, Any]) -> int:
    """1 for a regression, 3 where nothing can be said of a margin, a metric or a whole run, else 0.

    A metric that has a margin goes by it alone: it may get worse within it. Every other one may not, and one that no
    case was scored by in both runs has not been shown to be as good. A run that ended as inconclusive shows nothing.
    """
    stage = found.get("stage", {"outcome": "none", "claims": []})
    claimed = {claim["metric"] for claim in stage["claims"]}
    worse = [name for name, metric in found["metrics"].items() if metric["change"] == "worse" and name not in claimed]
    if worse:
        return 1
    unknown = [name for name, metric in found["metrics"].items() if metric["change"] == "unknown"]
    open_yet = [side for side in ("baseline", "candidate") if found.get(side, {}).get("state") == "inconclusive"]
    return _OUTCOMES.get(stage["outcome"], 0) or (3 if unknown or open_yet else 0)


def compare_ended(
    state: Session, client: Evaluation, ended: Sequence[Mapping[str, Any]], baseline: str | None, against: str | None
) -> list[dict[str, Any]] | None:
    """Each run beside the one named, or beside the last of the version at a stage; None where nobody asked.

    Where no version stands at the stage there is nothing to compare with, which the policy does not ask for either. A
    version that this suite did not measure is missing evidence.
    """
    if baseline is None and against is None:
        return None
    made = []
    for run in ended:
        if run["state"] != "finished":
            continue
        other = baseline or _standing(state, client, run, str(against))
        if other is not None:
            made.append(client.compare(other, run["id"], against) if other else _missing(run, str(against)))
    return made


def _standing(state: Session, client: Evaluation, run: Mapping[str, Any], stage: str) -> str | None:
    """The last measured run of the version at the stage; "" where there is none, None where no version is."""
    reference = f"{run['project']}/{run['subject_kind']}/{run['subject_name']}@{stage}"
    try:
        found = client.runs(subject=reference, suite=run["suite"], limit=200)["items"]
    except NotFound as error:
        state.errors.print(f"nothing to compare with at {stage}: {error.detail}", markup=False)
        return None
    fit = (one["id"] for one in found if (one["state"], one["origin"]) == ("finished", "measured"))
    return next((other for other in fit if other != run["id"]), "")


def _missing(run: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """A comparison that could not be made."""
    reason = f"the version at {stage} was not measured by {run['suite_name']}"
    return {"metrics": {}, "stage": {"name": stage, "outcome": "inconclusive", "claims": [], "reason": reason}}
