"""What a report says first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sekisho.evaluation.reports.shape import Outcome, Reason, Verdict
from sekisho.evaluation.types import Run, RunState


def verdict_of(run: Run, comparison: Mapping[str, Any] | None) -> Verdict:
    """The state of a run that did not finish; else what its claims and its baseline say; else that it was measured.

    One metric that got worse makes it worse, whatever the others did.
    """
    if not run.state.over:
        return {"outcome": "running", "reasons": []}
    if run.state is RunState.CANCELLED:
        return {"outcome": "cancelled", "reasons": _reason(run)}
    if run.state is RunState.FAILED:
        return {"outcome": "failed", "reasons": _reason(run)}
    if run.state is RunState.INCONCLUSIVE:
        return {"outcome": "inconclusive", "reasons": _reason(run)}
    reasons = [*_claims((run.summary or {}).get("metrics", {})), *_changes(comparison or {})]
    return {"outcome": _outcome(reasons, compared=comparison is not None), "reasons": reasons}


def claimed(metric: Mapping[str, Any]) -> str | None:
    """What was decided of a claim about this metric, or None where nobody made one.

    Without a margin the claim would be that nothing at all was lost, which no number of cases can show.
    """
    if isinstance(metric.get("verdict"), str):
        return str(metric["verdict"])
    if metric.get("margin_bp", 0) <= 0:
        return None
    joint = metric.get("holm")
    said = joint.get("decision") if isinstance(joint, Mapping) else metric.get("decision")
    return said if isinstance(said, str) else None


def _outcome(reasons: list[Reason], *, compared: bool) -> Outcome:
    codes = {reason["code"] for reason in reasons}
    said = {reason["said"] for reason in reasons if "said" in reason}
    if "fail" in said:
        return "fail"
    if "metric_worse" in codes:
        return "worse"
    if "inconclusive" in said or "metric_unknown" in codes:
        return "inconclusive"
    if said:
        return "pass"
    if "metric_better" in codes:
        return "better"
    return "unchanged" if compared else "measured"


def _reason(run: Run) -> list[Reason]:
    return [{"code": "run_reason", "text": run.reason}] if run.reason else []


def _claims(metrics: Mapping[str, Any]) -> Iterator[Reason]:
    """Verdicts that stand in the summary itself."""
    for name, metric in sorted(metrics.items()):
        if (said := claimed(metric)) is not None:
            yield {"code": "metric_verdict", "metric": name, "said": said, "text": f"{name}: {said}"}


def _changes(comparison: Mapping[str, Any]) -> Iterator[Reason]:
    for name, metric in sorted(comparison.items()):
        if (said := claimed(metric)) is not None:
            text = f"{name} is not worse than the baseline by more than the margin: {said}"
            yield {"code": "metric_verdict", "metric": name, "said": said, "text": text}
        change = metric["change"]
        if change == "unknown":
            text = f"{name} was scored for no case in both runs"
            yield {"code": "metric_unknown", "metric": name, "text": text}
        elif change in {"worse", "better"}:
            text = f"{name} got {change}, its whole interval on that side of zero"
            code = "metric_worse" if change == "worse" else "metric_better"
            yield {"code": code, "metric": name, "text": text}  # type: ignore[typeddict-item]
