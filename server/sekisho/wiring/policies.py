"""The policies of a server: what ships, what the settings name, what is in force, and the use cases around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import overload

from sekisho.evidence.types import Terms
from sekisho.gate.decision_logs.service import DecisionLogs
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.governing.activating import Activating
from sekisho.gate.governing.beginning import Beginning
from sekisho.gate.governing.publishing import Publishing
from sekisho.gate.governing.shadowing import Shadowing
from sekisho.gate.governing.standing import PolicyInForce
from sekisho.gate.margins import PolicyMargins
from sekisho.gate.policies import PolicySet, load_policies
from sekisho.identity.service import Identity
from sekisho.kernel.clock import Clock
from sekisho.kernel.database import Database
from sekisho.kernel.settings import Settings
from sekisho.kernel.trees import tree
from sekisho.ledger.service import Ledger
from sekisho.wiring.readiness import Schema


@dataclass(frozen=True)
class StagesInForce(Sequence[str]):
    """The names of the stages in the order of the policy in force, whichever that is."""

    in_force: PolicyInForce

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...

    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        return self.in_force.current.policies.stages[place]

    def __len__(self) -> int:
        return len(self.in_force.current.policies.stages)


@dataclass(frozen=True)
class AttestableInForce(Mapping[str, Terms]):
    """What people may attest by the policy in force, whichever that is."""

    in_force: PolicyInForce

    def __getitem__(self, kind: str) -> Terms:
        return self.in_force.current.policies.parameters.attested[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self.in_force.current.policies.parameters.attested)

    def __len__(self) -> int:
        return len(self.in_force.current.policies.parameters.attested)


@dataclass(frozen=True)
class MarginsInForce:
    """The non-inferiority margins of the policy in force, whichever that is."""

    in_force: PolicyInForce

    def of(self, path: str, stage: str) -> Mapping[str, Mapping[str, int]]:
        """As `PolicyMargins.of`."""
        return PolicyMargins(self.in_force.current.policies.parameters).of(path, stage)


@dataclass(frozen=True)
class PolicyChecks:
    """What readiness asks of the policy in force. Without its tables there is nothing to look at."""

    schema: Schema
    in_force: PolicyInForce
    beginning: Beginning

    async def trusted(self) -> None:
        """Where the tables came after this process had started, its policy is put in force now."""
        if not await self.schema.ready():
            return
        if not self.in_force.known:
            await self.beginning.begin()
        await self.in_force.check()


def policy_in_force(settings: Settings, database: Database, ledger: Ledger, logs: DecisionLogs) -> PolicyInForce:
    """Begins with the policy of the settings, until the database is asked. Raises `Invalid`, `ExtraMissing`."""
    folder = Path(settings.policy_dir) if settings.policy_dir else tree("policies")
    return PolicyInForce(database, ledger, partial(_engines, settings, logs), load_policies(folder))


def governing(
    settings: Settings, database: Database, clock: Clock, ledger: Ledger, identity: Identity, in_force: PolicyInForce
) -> tuple[Publishing, Activating, Shadowing, Beginning]:
    """The use cases of policies."""
    embedded = partial(_embedded, settings)
    publishing = Publishing(database, clock, ledger)
    activating = Activating(database, clock, ledger, identity, in_force, embedded)
    shipped, folder = (load_policies(tree("policies")), in_force.seed) if settings.policy_dir else (in_force.seed, None)
    beginning = Beginning(publishing, activating, shipped, folder)
    return publishing, activating, Shadowing(database, clock, ledger, embedded), beginning


def _engines(settings: Settings, logs: DecisionLogs, policies: PolicySet) -> tuple[PolicyEngine, PolicyEngine | None]:
    """The engine of the settings, never whatever happens to be installed; where OPA decides, with a standby.

    The standby is the embedded engine on the same policy, for roll-backs while OPA gives no verdict; None where it is
    not installed. Processes start when they are first asked.
    """
    if settings.policy_engine != "opa":
        return _embedded(settings, policies), None
    from sekisho.gate.engines.opa_server import OpaServer

    standby = _embedded(settings, policies) if find_spec("regorus") else None
    journal = logs if logs.on else None
    return OpaServer(settings.opa_url, policies.digest, settings.policy_timeout_ms, journal=journal), standby


def _embedded(settings: Settings, policies: PolicySet) -> PolicyEngine:
    from sekisho.gate.engines.regorus_engine import RegorusEngine

    return RegorusEngine(policies, settings.policy_timeout_ms)
