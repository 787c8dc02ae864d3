"""What must answer before this process may be sent requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from sekisho.gate.overrides.lapsing import Lapses
from sekisho.identity.service import Identity
from sekisho.inference.service import Inference
from sekisho.inference.types import HostSeen
from sekisho.kernel.database import Database
from sekisho.kernel.errors import IntegrityFailed, SekishoError, Unavailable
from sekisho.kernel.migrations import pending
from sekisho.ledger.signing import CHECKPOINT_TYPE, Signer
from sekisho.registry.service import Registry

Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Readiness:
    """Named checks; each raises a `SekishoError` where its part is not ready.

    `warnings` are checks of what somebody should look at soon, and which keeps no request from being answered.
    """

    checks: Mapping[str, Check]
    warnings: Mapping[str, Check] = field(default_factory=dict)

    async def problems(self) -> dict[str, str]:
        """What is not ready, by name, with the reason; empty when all is."""
        return await _failing(self.checks)

    async def concerns(self) -> dict[str, str]:
        """What needs looking at, by name; empty where nothing does. Ask once there are no problems."""
        return await _failing(self.warnings)


async def _failing(checks: Mapping[str, Check]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            await check()
        except SekishoError as error:
            found[name] = error.detail
    return found


@dataclass
class Schema:
    """Whether the database has every table that this version means. A yes is remembered: it stays one."""

    database: Database
    _ready: bool = field(default=False, init=False)

    async def ready(self) -> bool:
        self._ready = self._ready or not await pending(self.database)
        return self._ready

    async def check(self) -> None:
        if not await self.ready():
            raise Unavailable(
                "the database lacks migrations of this version",
                remedy="run `sekisho db upgrade`, then start this process again",
            )


@dataclass(frozen=True)
class HostCircuits:
    """How the model hosts do, for metrics: these have to be answered even where there is no database to read from."""

    schema: Schema
    inference: Inference

    async def told(self) -> tuple[HostSeen, ...]:
        """Nothing where nothing is known."""
        try:
            return await self.inference.told() if await self.schema.ready() else ()
        except Unavailable:
            return ()


@dataclass(frozen=True)
class StagePointers:
    """Whether every stage's pointer stands where a signed decision put it."""

    schema: Schema
    registry: Registry

    async def check(self) -> None:
        if await self.schema.ready():  # without its tables there is nothing to look at; `migrations` says so
            await self.registry.check_pointers()


@dataclass(frozen=True)
class RolesBorne:
    """Whether everybody's roles are those that the log speaks of."""

    schema: Schema
    identity: Identity

    async def check(self) -> None:
        if await self.schema.ready():
            await self.identity.check_roles()


@dataclass(frozen=True)
class Exceptions:
    """Whether some stage serves what an exception let pass which has ended, or soon will."""

    schema: Schema
    lapses: Lapses

    async def check(self) -> None:
        if await self.schema.ready():
            await self.lapses.check()


@dataclass(frozen=True)
class SigningKey:
    """Whether the key signs, and what it signs verifies."""

    signer: Signer

    async def check(self) -> None:
        envelope = self.signer.sign(CHECKPOINT_TYPE, b"{}")
        if self.signer.public.verify(envelope, CHECKPOINT_TYPE) != b"{}":
            raise IntegrityFailed("the signing key does not verify what it signs")
