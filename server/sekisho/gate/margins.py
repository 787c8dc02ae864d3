"""The non-inferiority margins of the policy's data, for those who compare before they promote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.gate.parameters import Parameters
from sekisho.kernel.errors import FieldError, Invalid


@dataclass(frozen=True, slots=True)
class PolicyMargins:
    """Of several margins about one metric the strictest is told; policy itself holds a version to all of them."""

    parameters: Parameters

    def of(self, path: str, stage: str) -> Mapping[str, Mapping[str, int]]:
        """Digest of a suite that the policy pins → metric → margin in basis points. Raises `Invalid`."""
        if stage not in self.parameters.order:
            known = ", ".join(self.parameters.order)
            raise Invalid(f"there is no stage {stage!r}", fields=[FieldError("$.stage", f"one of {known}")])
        found: dict[str, dict[str, int]] = {}
        for requirement in self.parameters.requirements_of(path, stage):
            for margin in requirement.margins:
                pin = self.parameters.suites.get(margin.suite)
                if pin is not None:
                    limits = found.setdefault(pin.suite, {})
                    limits[margin.metric] = min(margin.margin_bp, limits.get(margin.metric, margin.margin_bp))
        return found
