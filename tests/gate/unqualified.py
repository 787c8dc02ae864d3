"""A world in which nobody has qualified anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sekisho.kernel.database import Transaction


@dataclass(frozen=True, slots=True)
class NoQualifications:
    async def qualifications(
        self, tx: Transaction, project: str, digests: Collection[str]
    ) -> Sequence[Mapping[str, Any]]:
        return ()
