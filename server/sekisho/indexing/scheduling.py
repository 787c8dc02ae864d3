"""When what verification: every index that a stage serves, by itself or through what is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sekisho.identity.types import SYSTEM
from sekisho.indexing.ports import Ports
from sekisho.indexing.requesting import VERIFY
from sekisho.indexing.store import IndexStore
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.references import Kind
from sekisho.registry.types import Version

_EARLY: Final = 0.8
"""Of the interval: the rest is for the worker's look at the clock, the queue and the verification itself."""


@dataclass(frozen=True)
class Scheduling(Ports):
    """The interval is `settings.verify_interval_s`; 0 schedules nothing."""

    async def request_due(self) -> tuple[str, ...]:
        """Queue a verification of each served index that was not looked at for most of the interval.

        One whose verification was asked for in that time is not asked for again, even where it failed. Gives the
        digests asked for. Safe to call from several workers at once.
        """
        if not self.settings.verify_interval_s:
            return ()
        since = epoch_ms(self.clock.now()) - int(self.settings.verify_interval_s * 1000 * _EARLY)
        async with self.database.read() as tx:
            if not await self._due(tx, since):
                return ()
        async with self.database.write() as tx:
            await self.ledger.lock(tx)  # so that of two workers the second sees what the first has queued
            due = await self._due(tx, since)
            for version in due:
                payload = {"index": version.digest, "reference": str(version), "scheduled": True}
                await self.jobs.enqueue(tx, project=version.project, kind=VERIFY, payload=payload, principal=SYSTEM)
        return tuple(version.digest for version in due)

    async def _due(self, tx: Transaction, since: int) -> list[Version]:
        served = await self.registry.served(tx, Kind.INDEX)
        checked = await IndexStore(tx).checked([version.digest for version in served])
        # Once for all projects that have it: they share the collection, and its mark.
        old = {one.digest: one for one in served if checked.get((one.project, one.digest), since + 1) <= since}
        if not old:
            return []
        asked = {job.payload["index"] for job in await self.jobs.since(tx, VERIFY, since)}
        return [version for digest, version in old.items() if digest not in asked]
