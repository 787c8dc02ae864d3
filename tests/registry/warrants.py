"""Stand-ins where no gate decides."""

from __future__ import annotations

from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import Unwarranted
from sekisho.registry.terms import Terms
from sekisho.registry.types import Pointer


class EveryWarrant:
    """Bears out every pointer but those of the decision ``forged``."""

    async def check(self, tx: Transaction, pointer: Pointer) -> Terms:
        if pointer.decision_id == "forged":
            raise Unwarranted(f"nobody signed {pointer.decision_id}")
        return Terms()
