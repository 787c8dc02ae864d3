"""The services of every room, built from the settings; every door receives the same ones."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sekisho.evaluation.drafting.service import Drafting
from sekisho.evaluation.erasing import Erasing
from sekisho.evaluation.gathering import Gathering
from sekisho.evaluation.index_comparison import IndexComparison
from sekisho.evaluation.judges.service import Judging
from sekisho.evaluation.scorers.catalogue import known_scorers
from sekisho.evaluation.service import Evaluation
from sekisho.evidence.service import Evidence
from sekisho.gate.approvals import Approvals
from sekisho.gate.assembly import Assembler
from sekisho.gate.bundle import Bundle, bundle_signer
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.evidence import Measurements
from sekisho.gate.judge import Judge
from sekisho.gate.overrides.alarms import Alarms
from sekisho.gate.overrides.ending import Ending
from sekisho.gate.overrides.glass import Glass
from sekisho.gate.policies import PolicySet, load_policies
from sekisho.gate.service import Gate
from sekisho.gate.waivers import Waivers
from sekisho.gate.warrants import Warrants
from sekisho.identity.bootstrap import Bootstrap
from sekisho.identity.service import Identity
from sekisho.indexing.integrity import KeptIntegrity
from sekisho.indexing.service import Indexing
from sekisho.inference.service import Inference
from sekisho.kernel.clock import Clock, SystemClock
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.kernel.errors import SekishoError
from sekisho.kernel.jobs import Jobs
from sekisho.kernel.logging import get_logger
from sekisho.kernel.repeating import repeat
from sekisho.kernel.settings import Settings
from sekisho.kernel.trees import tree
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer, load_or_create_signer, retired_keys
from sekisho.registry.service import Registry
from sekisho.wiring.readiness import Readiness, Schema, SigningKey, StagePointers
from sekisho.wiring.witnesses import witnesses

_log = get_logger("sekisho.wiring")

OVERRIDES_TICK_S: Final = 2.0
"""How often an API process looks for overrides that are over; `resolve` serves none of them meanwhile."""


@dataclass(frozen=True)
class Services:
    """Everything a door may need. `start` before use, `close` at the end."""

    settings: Settings
    clock: Clock
    database: Database
    watch: ChangeWatch
    jobs: Jobs
    signer: Signer
    ledger: Ledger
    identity: Identity
    registry: Registry
    inference: Inference
    indexing: Indexing
    evaluation: Evaluation
    erasing: Erasing
    judging: Judging
    index_comparison: IndexComparison
    drafting: Drafting
    evidence: Evidence
    policy: PolicySet
    engine: PolicyEngine
    standby: PolicyEngine | None
    alarms: Alarms
    gate: Gate
    ending: Ending
    approvals: Approvals
    waivers: Waivers
    bundle: Bundle
    schema: Schema
    readiness: Readiness
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, init=False, repr=False, compare=False)

    async def start(self) -> None:
        """Begin as an API: see to it that somebody can administer the server, and have the policy engine load.

        What is not ready does not stop the start: /readyz tells it, and the gate fails closed. Both try the engine
        themselves, and wait for it where it still loads.
        """
        self._tasks.append(asyncio.create_task(self._try_engine()))
        self._tasks.append(asyncio.create_task(self._end_overrides()))
        await self.watch.start()
        if await self.schema.ready():
            written = await Bootstrap(self.identity, self.settings.data_dir).run()
            if written is not None:
                _log.info("first admin's token written", file=str(written))

    async def _end_overrides(self) -> None:
        """Look for overrides that are over, as long as this process answers: a worker may move no stage."""
        await repeat("overrides", self._end_due, OVERRIDES_TICK_S)

    async def _end_due(self) -> None:
        if await self.schema.ready():
            await self.ending.end_due()

    async def _try_engine(self) -> None:
        try:
            await self.engine.check()
        except SekishoError as error:
            _log.warning("the policy engine is not ready", reason=error.detail)

    async def start_worker(self) -> None:
        """Begin as a worker, which decides nothing and lets nobody in. Raises `Unavailable`."""
        await self.schema.check()
        await self.watch.start()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.watch.close()
        await self.engine.close()
        if self.standby is not None:
            await self.standby.close()
        await self.indexing.close()
        await self.inference.close()
        await self.database.close()

    def by_name(self) -> dict[str, object]:
        """What the REST controllers ask for, by the name they ask with."""
        return {
            "ledger": self.ledger,
            "identity": self.identity,
            "registry": self.registry,
            "inference": self.inference,
            "indexing": self.indexing,
            "evaluation": self.evaluation,
            "erasing": self.erasing,
            "judging": self.judging,
            "index_comparison": self.index_comparison,
            "drafting": self.drafting,
            "evidence": self.evidence,
            "gate": self.gate,
            "approvals": self.approvals,
            "waivers": self.waivers,
            "policy": self.policy,
            "bundle": self.bundle,
            "jobs": self.jobs,
            "readiness": self.readiness,
        }


def build_services(settings: Settings, clock: Clock | None = None) -> Services:
    """Put the rooms together, the left ones first. Reads keys and policies; asks no database and no network.

    Raises `Invalid` for settings, keys or policies that cannot be used, `ExtraMissing` for an absent engine.
    """
    clock = clock or SystemClock()
    database = Database(settings.database)
    watch = ChangeWatch(database)
    jobs = Jobs(database, clock, settings.lease_seconds * 1000)
    key = Path(settings.signing_key) if settings.signing_key else settings.data_dir / "signing.pem"
    kept = settings.data_dir / "public-keys"
    signer = load_or_create_signer(key, kept)
    policy = load_policies(Path(settings.policy_dir) if settings.policy_dir else tree("policies"))
    engine, standby = _engine(settings, policy), _standby(settings, policy)
    retired = retired_keys(key.parent, kept)
    ledger = Ledger(database, clock, signer, retired, witnesses((signer.public, *retired)))
    identity = Identity(database, clock, ledger, watch)
    registry = Registry(
        database, clock, ledger, watch, policy.stages, known_scorers, settings.max_file_bytes, Warrants(ledger),
        integrities=KeptIntegrity(),
    )  # fmt: skip
    inference = Inference(settings, database, clock)
    indexing = Indexing(settings, database, clock, ledger, jobs, registry, inference)
    evaluation = Evaluation(
        database, clock, ledger, jobs, registry, indexing, inference, concurrency=settings.worker_concurrency
    )
    judging = Judging(database, clock, ledger, jobs, registry, inference, concurrency=settings.worker_concurrency)
    evidence = Evidence(database, clock, ledger, registry)
    measurements = Measurements(Gathering(ledger, jobs), evaluation, policy.parameters)
    assembler = Assembler(registry, indexing, measurements, evidence, identity, ledger)
    schema = Schema(database)
    alarms = Alarms(signer, settings.alert_url)
    gate = Gate(
        database, clock, ledger, registry, assembler, Judge(engine), policy.stages,
        Glass(registry, assembler, policy.parameters), alarms, Judge(standby) if standby else None,
    )  # fmt: skip
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        watch=watch,
        jobs=jobs,
        signer=signer,
        ledger=ledger,
        identity=identity,
        registry=registry,
        inference=inference,
        indexing=indexing,
        evaluation=evaluation,
        erasing=Erasing(database, clock, ledger, jobs, registry, indexing),
        judging=judging,
        index_comparison=IndexComparison(database, jobs, registry, indexing),
        drafting=Drafting(database, ledger, jobs, registry, indexing, inference),
        evidence=evidence,
        policy=policy,
        engine=engine,
        standby=standby,
        alarms=alarms,
        gate=gate,
        ending=Ending(gate, alarms),
        approvals=Approvals(database, clock, ledger, registry, assembler, policy.stages),
        waivers=Waivers(database, clock, ledger, registry, assembler, policy.parameters),
        bundle=Bundle(policy, bundle_signer(signer, settings.data_dir / "bundle.pem")),
        schema=schema,
        readiness=Readiness(
            {
                "database": database.ping,
                "migrations": schema.check,
                "policy_engine": engine.check,
                "signing_key": SigningKey(signer).check,
                "stage_pointers": StagePointers(schema, registry).check,
            }
        ),
    )


def _engine(settings: Settings, policy: PolicySet) -> PolicyEngine:
    """The engine of the settings, never whatever happens to be installed. Only that one is imported."""
    if settings.policy_engine == "opa":
        from sekisho.gate.engines.opa_server import OpaServer

        return OpaServer(settings.opa_url, policy.digest, settings.policy_timeout_ms)
    from sekisho.gate.engines.regorus_engine import RegorusEngine

    return RegorusEngine(policy, settings.policy_timeout_ms)


def _standby(settings: Settings, policy: PolicySet) -> PolicyEngine | None:
    """Where OPA decides, the embedded engine on the same policy, for roll-backs while OPA gives no verdict.

    None where it is not installed. Its process starts when it is first asked.
    """
    if settings.policy_engine != "opa" or find_spec("regorus") is None:
        return None
    from sekisho.gate.engines.regorus_engine import RegorusEngine

    return RegorusEngine(policy, settings.policy_timeout_ms)
