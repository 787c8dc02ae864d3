"""What a run was measured with that can be wrong by itself: its judge, its grounding head. Pure."""

from __future__ import annotations

from sekisho.evaluation.types import Run


def instruments_of(run: Run) -> list[dict[str, str]]:
    """Scorer, digest and, where it is a model, family of each instrument of a run, from what its engine recorded."""
    engine = run.engine
    found: list[dict[str, str]] = []
    if "judge" in engine:
        family = {"family": engine["judge_family"]} if engine.get("judge_family") else {}
        found += [
            {"scorer": name, "digest": engine["judge"], **family}
            for name in sorted({metric for metric in _metrics(run) if metric.startswith("judge.")})
        ]
    if "grounding" in engine:
        found.append({"scorer": "grounding", "digest": engine["grounding"]})
    return found


def _metrics(run: Run) -> list[str]:
    return list((run.summary or {}).get("metrics", {}))
