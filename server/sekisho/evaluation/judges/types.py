"""A qualification: one instrument, measured on labelled answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.evaluation.types import Origin

GROUNDING = "grounding"


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is qualified: a scorer with its parameters and, where it asks a judge, the model's manifest as JSON.

    `name` is what people call it: ``ollama/<model>``, ``model/<name>@v<n>`` or ``grounding``.
    """

    name: str
    scorer: str
    params: Mapping[str, Any]
    model: Mapping[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        whole: dict[str, Any] = {"name": self.name, "scorer": self.scorer, "params": dict(self.params)}
        return whole | ({} if self.model is None else {"model": dict(self.model)})


@dataclass(frozen=True, slots=True)
class Qualification:
    """What was found of an instrument (its `digest`) on labels (theirs). Its id is that of the job that did it.

    `result` holds integers: counts, rates in basis points, the confusion, reasons for no score. Never changed; a later
    one stands beside it. `created_at` is in epoch milliseconds.
    """

    id: str
    project: str
    instrument: str
    name: str
    scorer: str
    model: str | None
    family: str | None
    labels: str
    result: Mapping[str, Any]
    principal: str
    created_at: int
    origin: Origin = Origin.MEASURED

    def as_json(self) -> dict[str, Any]:
        """What is not known is left out."""
        value = {
            "id": self.id,
            "project": self.project,
            "state": "done",
            "instrument": self.instrument,
            "name": self.name,
            "scorer": self.scorer,
            "model": self.model,
            "family": self.family,
            "labels": self.labels,
            "origin": self.origin.value,
            "principal": self.principal,
            "created_at": self.created_at,
            "result": dict(self.result),
        }
        return {name: item for name, item in value.items() if item is not None}

    def evidence(self) -> dict[str, Any]:
        """As the gate reads it: kappa counts rows without a score against the instrument."""
        result = self.result
        return {
            "instrument": self.instrument,
            "name": self.name,
            "labels": self.labels,
            "n": result["n"],
            "scored": result["scored"],
            "kappa_bp": result["kappa_bp"],
            "low_bp": result["kappa_low_bp"],
            "high_bp": result["kappa_high_bp"],
            "sensitivity_bp": result["sensitivity_bp"],
            "specificity_bp": result["specificity_bp"],
            "at": self.created_at,
            "origin": self.origin.value,
        }
