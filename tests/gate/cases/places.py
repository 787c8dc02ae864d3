"""Where things stand in a gate input that the cases of several families change."""

from __future__ import annotations

from tests.gate.inputs import Json


def run_of(document: Json, suite: str) -> Json:
    found: Json = next(run for run in document["evidence"]["runs"] if run["suite"] == suite)
    return found


def metric_of(document: Json, suite: str, name: str) -> Json:
    found: Json = run_of(document, suite)["metrics"][name]
    return found


def span(interval: Json, low: int, high: int) -> None:
    interval.update(low_bp=low, mean_bp=(low + high) // 2, high_bp=high)
