"""Which policy is in force, as this process knows it; it changes without a restart when another one is activated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sekisho.gate.bench import Bench
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.engines.retiring import RetiringEngine
from sekisho.gate.governing.content import policies_of
from sekisho.gate.governing.store import ActivationStore, PolicyStore
from sekisho.gate.governing.types import Activation
from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import canonical_json, digest_of_bytes
from sekisho.kernel.errors import IntegrityFailed, Unavailable
from sekisho.kernel.logging import get_logger
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import STATEMENT_TYPE, signer_of

_log = get_logger("sekisho.gate")

ACTIVATED = "policy.activated"
"""Kind of the entry that every activation makes."""
Engines = Callable[[PolicySet], tuple[PolicyEngine, PolicyEngine | None]]
"""The engines of a policy: the one that decides, and its standby."""


@dataclass
class PolicyInForce:
    """Holds the bench of the policy in force. Belongs to one event loop.

    Who decides asks within his own transaction (`sitting`), so that a decision is made under the very policy that the
    database says is in force. Until the first question `current` is the policy of the settings.
    """

    database: Database
    ledger: Ledger
    engines: Engines
    seed: PolicySet
    _bench: Bench = field(init=False, repr=False)
    _place: tuple[str, int] = field(default=("", 0), init=False)
    _rows: tuple[Activation, str, str, str] | None = field(default=None, init=False, repr=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self._bench = self._bench_of(self.seed)

    @property
    def current(self) -> Bench:
        """What this process last knew, without asking the database."""
        return self._bench

    @property
    def known(self) -> bool:
        """Whether the database was ever asked with success."""
        return self._place[1] > 0

    async def now(self) -> Bench:
        """The bench of the policy that is in force now."""
        async with self.database.read() as tx:
            return await self.sitting(tx)

    async def sitting(self, tx: Transaction) -> Bench:
        """As `Benches.sitting`. A transaction that still sees a former policy is given what is in force by now.

        The rows that the bench was made of are compared each time, unread: where somebody edited them nothing is
        decided, although this process could go on by what it remembers.
        """
        place = await self._place_of(tx)
        if place == self._place:
            if self._rows is None or await self._rows_of(tx, place[0]) != self._rows:
                await self._trusted(tx, place[0])
            return self._bench
        async with self._turn:
            if place[1] >= self._place[1]:
                return await self._adopted(tx, place)
            async with self.database.read() as fresh:
                return await self._adopted(fresh, await self._place_of(fresh))

    async def check(self) -> None:
        """Raises `IntegrityFailed` where the policy in force, or what put it in force, was changed in the database."""
        async with self.database.read() as tx:
            await self.sitting(tx)
            await self._trusted(tx, (await self._place_of(tx))[0])

    async def check_engine(self) -> None:
        """Raises `EngineFailed` where the engine is not there, runs another policy, or allows an empty input."""
        await self._bench.judge.engine.check()

    async def close(self) -> None:
        for judge in (self._bench.judge, self._bench.standby):
            if judge is not None:
                await judge.engine.close()

    async def _place_of(self, tx: Transaction) -> tuple[str, int]:
        """Id and place of the activation in force, which must be the one that the ledger says came last."""
        place = await ActivationStore(tx).place_in_force()
        last = await self.ledger.last(tx, ACTIVATED)
        if place is None and last is None:
            raise Unavailable(
                "no policy is in force", remedy="start an API process: the first one puts its policy in force"
            )
        if place is None or last is None or last.body.get("activation") != place[0]:
            raise IntegrityFailed(
                "the policy in force cannot be trusted: the ledger's last activation is another than the database's",
                remedy="the database was changed behind Sekisho's back: restore it from a backup",
            )
        return place

    async def _adopted(self, tx: Transaction, place: tuple[str, int]) -> Bench:
        if place == self._place:
            return self._bench
        policies = await self._trusted(tx, place[0])
        former, self._place, self._rows = self._bench, place, await self._rows_of(tx, place[0])
        if former.policies.digest == policies.digest:
            return former
        self._bench = self._bench_of(policies)
        _log.info("another policy is in force", policy=policies.digest, activation=place[0])
        for judge in (former.judge, former.standby):
            if judge is not None and isinstance(judge.engine, RetiringEngine):
                await judge.engine.retire()
        return self._bench

    async def _trusted(self, tx: Transaction, activation_id: str) -> PolicySet:
        activation = await ActivationStore(tx).one_or_none(activation_id)
        if activation is None:
            raise IntegrityFailed(f"the activation {activation_id} is gone")
        self._signed(activation)
        last = await self.ledger.last(tx, ACTIVATED)
        if last is None or last.subject != activation.digest:
            raise _unwarranted(activation, "the ledger's last activation is of another policy")
        published = await PolicyStore(tx).one_or_none(activation.name, activation.number)
        if published is None:
            raise _unwarranted(activation, f"the policy {activation.label} is gone")
        if published.digest != activation.digest:
            raise _unwarranted(activation, f"{published.label} is policy {published.digest}")
        return await policies_of(tx, published)

    async def _rows_of(self, tx: Transaction, activation_id: str) -> tuple[Activation, str, str, str] | None:
        """What a policy in force is read from: its activation, its digests, and the digest of its bytes as kept."""
        kept = await ActivationStore(tx).as_kept(activation_id)
        if kept is None:
            return None
        activation, digest, content_digest, content = kept
        return activation, digest, content_digest, digest_of_bytes(content.encode())

    def _signed(self, activation: Activation) -> None:
        keys = {key.keyid: key for key in self.ledger.keys}
        envelope = activation.envelope or {}
        try:
            payload = signer_of(envelope, keys).verify(envelope, STATEMENT_TYPE)
        except IntegrityFailed as error:
            raise _unwarranted(activation, error.detail) from error
        if payload != canonical_json(activation.signed()):
            raise _unwarranted(activation, "it says something else than what was signed")

    def _bench_of(self, policies: PolicySet) -> Bench:
        engine, standby = self.engines(policies)
        judge = Judge(RetiringEngine(engine))
        return Bench(policies, judge, Judge(RetiringEngine(standby)) if standby is not None else None)


def _unwarranted(activation: Activation, fault: str) -> IntegrityFailed:
    return IntegrityFailed(
        f"the activation of {activation.label} cannot be trusted: {fault}",
        remedy="the database was changed behind Sekisho's back: restore it from a backup",
    )
