"""Break-glass in numbers, for whoever watches the metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from sekisho.gate.overrides.alarms import BEGUN, ENDED, REFUSED, UNDELIVERED
from sekisho.gate.overrides.lapsing import LAPSED

EVENTS: Final = (BEGUN, ENDED, LAPSED, REFUSED, UNDELIVERED)


class AlarmMetrics(Collector):
    """Reads the count that the gate's alarms keep; every event is there from the start, as 0."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(
            "sekisho_alarms",
            "Overrides begun, refused and ended, exceptions that ended badly, and alerts that nobody took.",
            labels=["event"],
        )
        for event in EVENTS:
            family.add_metric([event], self._counts.get(event, 0))
        yield family
