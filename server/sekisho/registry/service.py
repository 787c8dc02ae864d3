"""The registry's service, put together from its use cases."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.registry.erasing import ErasingVersions
from sekisho.registry.reading import Reading
from sekisho.registry.registering import Registering
from sekisho.registry.revoking import Revoking
from sekisho.registry.staging import Staging


@dataclass(frozen=True)
class Registry(Registering, Reading, Staging, Revoking, ErasingVersions):
    """Artifacts, versions, stages and lineage."""
