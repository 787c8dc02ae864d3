"""What an API process does about policy when it starts: publish what ships, and activate only in a new database."""

from __future__ import annotations

from dataclasses import dataclass

from sekisho.gate.governing.activating import Activating
from sekisho.gate.governing.publishing import Publishing
from sekisho.gate.governing.standing import ACTIVATED
from sekisho.gate.governing.store import ActivationStore, PolicyStore
from sekisho.gate.governing.types import FOLDER, SHIPPED, Activation, Origin, Published
from sekisho.gate.policies import PolicySet
from sekisho.identity.types import SYSTEM
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.ids import new_id
from sekisho.kernel.logging import get_logger

_log = get_logger("sekisho.gate")


@dataclass(frozen=True, slots=True)
class Beginning:
    """`shipped` is the policy of this version of Sekisho, `folder` that of the settings, where they name another."""

    publishing: Publishing
    activating: Activating
    shipped: PolicySet
    folder: PolicySet | None

    async def begin(self) -> None:
        """Publish both, and put the settings' one in force where none is yet. What is in force stays in force."""
        if await self._nothing_to_do():
            return
        async with self.publishing.database.write() as tx:
            await self.publishing.ledger.lock(tx)
            first = await self._publish(tx, SHIPPED, self.shipped, Origin.SHIPPED, "ships with this version of Sekisho")
            if await self._never_began(tx):
                if self.folder is not None:
                    first = await self._publish(tx, FOLDER, self.folder, Origin.FOLDER, "the folder of the settings")
                await self._activate(tx, first)

    async def _nothing_to_do(self) -> bool:
        async with self.publishing.database.read() as tx:
            standing = await ActivationStore(tx).in_force_or_none()
            known = await PolicyStore(tx).of_digest_or_none(SHIPPED, self.shipped.digest)
        if standing is not None and self.folder is not None and standing.digest != self.folder.digest:
            _log.warning(
                "the policy folder of the settings is not the policy in force, and decides nothing",
                folder=self.folder.digest,
                in_force=standing.label,
                remedy="publish it and have two policy owners activate it: sekisho policy publish, activate",
            )
        return standing is not None and known is not None

    async def _never_began(self, tx: Transaction) -> bool:
        """Whether no policy was ever in force: where the ledger knows of one, its row was taken away by hand, and what
        a folder holds does not come in its place."""
        known = await self.publishing.ledger.last(tx, ACTIVATED)
        return known is None and await ActivationStore(tx).place_in_force() is None

    async def _publish(
        self, tx: Transaction, name: str, policies: PolicySet, origin: Origin, message: str
    ) -> Published:
        published, new = await self.publishing.publish_in(tx, name, policies, origin, SYSTEM, message)
        if new:
            _log.info("a policy was published", policy=published.digest, label=published.label)
        return published

    async def _activate(self, tx: Transaction, published: Published) -> None:
        now = self.publishing.clock.now()
        first = Activation(
            id=new_id(now),
            name=published.name,
            number=published.number,
            digest=published.digest,
            from_digest=None,
            reason="the first policy of this database",
            accepted=None,
            report={},
            report_digest=digest_of({}),
            proposed_by=SYSTEM,
            proposed_with=None,
            proposed_at=epoch_ms(now),
        )
        await ActivationStore(tx).insert(first)
        await self.activating.activate_in(tx, first)
