"""Use case: push the log's newest checkpoint to every target, again and again, and say loudly where that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sekisho.kernel.clock import Clock, epoch_ms, from_epoch_ms, iso
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.errors import Forbidden, SekishoError, Unavailable
from sekisho.kernel.ids import new_id
from sekisho.kernel.logging import get_logger
from sekisho.ledger.pushing.store import PushStore
from sekisho.ledger.pushing.types import NOT_PUSHED, PUSHED, Push, Target
from sekisho.ledger.service import Ledger
from sekisho.ledger.statements import kept_checkpoint, verify_growth
from sekisho.ledger.types import EVERYWHERE, SERVER, Checkpoint, Reader

LATE: Final = 3
"""A target is late once this many intervals have passed without a push that it took, though the log grew."""

_log = get_logger("sekisho.ledger.pushing")


@dataclass(frozen=True, slots=True)
class Pushing:
    """Pushes to `targets` once every `interval_s` seconds; after a failure, at the next look."""

    database: Database
    clock: Clock
    ledger: Ledger
    targets: tuple[Target, ...]
    interval_s: int

    async def push_due(self) -> tuple[str, ...]:
        """Push to whom it is time to; gives the names of the targets that took it.

        What a target took before is proven to be the beginning of the log as it stands: where it is not, somebody
        rewrote the past; nothing is pushed, and the failure says so until people have looked into it.
        """
        if not self.targets:
            return ()
        async with self.database.read() as tx:
            if not await self.ledger.size(tx):
                return ()
        async with self.database.write() as tx:
            checkpoint = await self.ledger.checkpoint_in(tx)
        return tuple([target.name for target in self.targets if await self._pushed(target, checkpoint)])

    async def _pushed(self, target: Target, checkpoint: Checkpoint) -> bool:
        async with self.database.read() as tx:
            last = await PushStore(tx).last_or_none(target.name)
            taken = await PushStore(tx).last_or_none(target.name, taken=True)
            due = last is None or last.error is not None or await self._grew(tx, last)
        if last is not None and self._resting(last):
            return False
        try:
            await self._proven(target, taken, checkpoint)
            if not due:
                return False
            await target.push(checkpoint)
        except SekishoError as error:
            _log.error("a checkpoint was not pushed", target=target.name, size=checkpoint.size, reason=error.detail)
            if last is None or last.error != error.detail:
                await self._record(target, checkpoint, error.detail)
            return False
        _log.info("checkpoint pushed", target=target.name, size=checkpoint.size)
        await self._record(target, checkpoint, None)
        return True

    def _resting(self, last: Push) -> bool:
        # A clock that was set back must not silence it until it has caught up.
        return last.error is None and 0 <= epoch_ms(self.clock.now()) - last.at < self.interval_s * 1000

    async def _grew(self, tx: Transaction, last: Push) -> bool:
        """By more than the word that it was pushed."""
        return await self.ledger.grew(tx, last.size, frozenset({PUSHED, NOT_PUSHED}))

    async def _proven(self, target: Target, taken: Push | None, checkpoint: Checkpoint) -> None:
        """Raises `IntegrityFailed` where what the target has is not the beginning of the log."""
        line = await target.last()
        former = kept_checkpoint(line, *self.ledger.keys) if line is not None else _as_checkpoint(taken)
        if former is None:
            return
        proof = {}
        if former.size <= checkpoint.size:
            proof = {"hashes": (await self.ledger.growth(former.size, checkpoint.size)).hashes}
        verify_growth(former, checkpoint.envelope, proof, *self.ledger.keys)

    async def _record(self, target: Target, checkpoint: Checkpoint, error: str | None) -> None:
        now = self.clock.now()
        push = Push(
            new_id(now), target.name, checkpoint.origin, checkpoint.size, checkpoint.root, epoch_ms(now), error
        )  # fmt: skip
        async with self.database.write() as tx:
            await PushStore(tx).insert(push)
            await self.ledger.append(
                tx, kind=push.kind, project=EVERYWHERE, principal=SERVER, body=push.entered()
            )  # fmt: skip

    async def pushes(self, reader: Reader, limit: int) -> list[Push]:
        """The newest pushes, failures among them. Takes a role that reads everywhere: the names tell of machines."""
        if EVERYWHERE not in reader.readable:
            raise Forbidden("seeing where checkpoints go takes a role that reads every project")
        async with self.database.read() as tx:
            return await PushStore(tx).newest(limit)

    async def check(self) -> None:
        """Raises `Unavailable` naming each target whose last push failed, or that has had none for long."""
        if not self.targets:
            return
        async with self.database.read() as tx:
            size = await self.ledger.size(tx)
            told = [await self._trouble(tx, target.name, size) for target in self.targets]
        if any(told):
            raise Unavailable(
                "; ".join(filter(None, told)), remedy="see `sekisho ledger pushes`, and whether the server runs"
            )

    async def _trouble(self, tx: Transaction, name: str, size: int) -> str | None:
        push = await PushStore(tx).last_or_none(name)
        if push is None:
            return f"no checkpoint was ever pushed to {name}" if size else None
        if push.error is not None:
            return f"the checkpoint for {name} was not pushed: {push.error}"
        if epoch_ms(self.clock.now()) - push.at <= LATE * self.interval_s * 1000 or not await self._grew(tx, push):
            return None
        return f"{name} last took a checkpoint at {iso(from_epoch_ms(push.at))}"


def _as_checkpoint(push: Push | None) -> Checkpoint | None:
    return None if push is None else Checkpoint(push.origin, push.size, push.root, push.at, {})
