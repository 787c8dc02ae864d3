"""Metrics that are looked up when somebody asks for them: what needs looking at, and how OPA's log stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from sekisho.gate.decision_logs.service import DecisionLogs
from sekisho.kernel.errors import SekishoError
from sekisho.wiring.readiness import Readiness

CONCERN: Final = "Whether /readyz tells of something that needs looking at, by name."
OPA: Final = "OPA's decisions of the last day, by how its own log stands to them: agrees, differs, missing, strange."


@dataclass
class Gauges:
    """Read from the database at each look; where it is away they keep what they had, and the concern is 1."""

    registry: CollectorRegistry
    readiness: Readiness
    decision_logs: DecisionLogs
    _concern: Gauge = field(init=False, repr=False)
    _opa: Gauge = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._concern = Gauge("sekisho_concern", CONCERN, ["name"], registry=self.registry)
        self._opa = Gauge("sekisho_opa_decisions", OPA, ["verdict"], registry=self.registry)

    async def refresh(self) -> None:
        concerns = await self.readiness.concerns()
        for name in self.readiness.warnings:
            self._concern.labels(name).set(name in concerns)
        if not self.decision_logs.on:
            return
        try:
            standing = await self.decision_logs.standing()
        except SekishoError:
            return
        for verdict, count in standing.counts.items():
            self._opa.labels(verdict.value).set(count)
