"""The services of every room, built from the settings; every door receives the same ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sekisho.evaluation.drafting.service import Drafting
from sekisho.evaluation.erasing import Erasing
from sekisho.evaluation.gathering import Gathering
from sekisho.evaluation.index_comparison import IndexComparison
from sekisho.evaluation.judges.service import Judging
from sekisho.evaluation.scorers.catalogue import known_scorers
from sekisho.evaluation.service import Evaluation
from sekisho.evidence.attesting import Attesting
from sekisho.evidence.licensing import Licensing
from sekisho.evidence.overlap.service import Overlaps
from sekisho.evidence.service import Evidence
from sekisho.gate.approvals import Approvals
from sekisho.gate.assembly import Assembler
from sekisho.gate.bundle import Bundle, bundle_signer
from sekisho.gate.decision_logs.service import DecisionLogs
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.evidence import Measurements
from sekisho.gate.governing.activating import Activating
from sekisho.gate.governing.beginning import Beginning
from sekisho.gate.governing.publishing import Publishing
from sekisho.gate.governing.shadowing import Shadowing
from sekisho.gate.governing.standing import PolicyInForce
from sekisho.gate.overrides.alarms import Alarms
from sekisho.gate.overrides.ending import Ending
from sekisho.gate.overrides.glass import Glass
from sekisho.gate.overrides.lapsing import Lapses
from sekisho.gate.policies import PolicySet
from sekisho.gate.service import Gate
from sekisho.gate.waivers import Waivers
from sekisho.gate.warrants import Warrants
from sekisho.identity.bootstrap import Bootstrap
from sekisho.identity.service import Identity
from sekisho.indexing.integrity import KeptIntegrity
from sekisho.indexing.service import Indexing
from sekisho.inference.licences import ModelLicences
from sekisho.inference.service import Inference
from sekisho.kernel.clock import Clock, SystemClock
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.kernel.errors import SekishoError
from sekisho.kernel.jobs import Jobs
from sekisho.kernel.logging import get_logger
from sekisho.kernel.repeating import repeat
from sekisho.kernel.settings import Settings
from sekisho.ledger.pushing.service import Pushing
from sekisho.ledger.pushing.targets import targets_of
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer, load_or_create_signer, retired_keys
from sekisho.registry.service import Registry
from sekisho.wiring.policies import (
    AttestableInForce,
    MarginsInForce,
    PolicyChecks,
    StagesInForce,
    governing,
    policy_in_force,
)
from sekisho.wiring.readiness import Exceptions, HostCircuits, Readiness, RolesBorne, Schema, SigningKey, StagePointers
from sekisho.wiring.witnesses import witnesses

_log = get_logger("sekisho.wiring")

OVERRIDES_TICK_S: Final = 2.0
"""How often an API process looks for overrides that are over; `resolve` serves none of them meanwhile."""
DECISION_LOG_TICK_S: Final = 60.0


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
    pushing: Pushing
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
    overlaps: Overlaps
    attesting: Attesting
    licensing: Licensing
    policy_in_force: PolicyInForce
    publishing: Publishing
    activating: Activating
    shadowing: Shadowing
    beginning: Beginning
    alarms: Alarms
    gate: Gate
    ending: Ending
    approvals: Approvals
    waivers: Waivers
    bundle_signer: Signer
    decision_logs: DecisionLogs
    schema: Schema
    readiness: Readiness
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, init=False, repr=False, compare=False)
    _bundles: list[Bundle] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def policy(self) -> PolicySet:
        """The policy in force, as this process last knew it."""
        return self.policy_in_force.current.policies

    @property
    def engine(self) -> PolicyEngine:
        return self.policy_in_force.current.judge.engine

    async def policy_now(self) -> PolicySet:
        """The policy in force. Raises `Unavailable`, `IntegrityFailed`."""
        return (await self.policy_in_force.now()).policies

    async def bundle_now(self) -> Bundle:
        """What an OPA server is to run now."""
        policies = await self.policy_now()
        if not self._bundles or self._bundles[0].policies.digest != policies.digest:
            self._bundles[:] = [Bundle(policies, self.bundle_signer)]
        return self._bundles[0]

    async def start(self) -> None:
        """Begin as an API: see to it that somebody can administer the server, and have the policy engine load.

        What is not ready does not stop the start: /readyz tells it, and the gate fails closed. Both try the engine
        themselves, and wait for it where it still loads.
        """
        # A worker may sign nothing that counts, move no stage and write little into the log: these are the API's.
        for name, work, pause_s in (
            ("overrides", self.ending.end_due, OVERRIDES_TICK_S),
            ("checkpoints", self.pushing.push_due, min(60.0, self.settings.checkpoint_interval_s)),
            ("decision log", self.decision_logs.report_missing, DECISION_LOG_TICK_S),
        ):
            self._tasks.append(asyncio.create_task(repeat(name, self._once_migrated(work), pause_s)))
        await self.watch.start()
        if await self.schema.ready():
            written = await Bootstrap(self.identity, self.settings.data_dir).run()
            if written is not None:
                _log.info("first admin's token written", file=str(written))
            await self._begin_policy()
        self._tasks.append(asyncio.create_task(self._try_engine()))

    async def _begin_policy(self) -> None:
        try:
            await self.beginning.begin()
            await self.policy_in_force.now()
        except SekishoError as error:
            _log.error("no policy can be put in force, and nothing will be decided", reason=error.detail)

    def _once_migrated(self, work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        async def done() -> None:
            if await self.schema.ready():
                await work()

        return done

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
        await self.shadowing.close()
        await self.policy_in_force.close()
        await self.indexing.close()
        await self.inference.close()
        await self.database.close()

    def by_name(self) -> dict[str, object]:
        """What the REST controllers ask for, by the name they ask with."""
        return {
            "ledger": self.ledger,
            "pushing": self.pushing,
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
            "overlaps": self.overlaps,
            "attesting": self.attesting,
            "licensing": self.licensing,
            "gate": self.gate,
            "approvals": self.approvals,
            "waivers": self.waivers,
            "decision_logs": self.decision_logs,
            "policy_in_force": self.policy_in_force,
            "publishing": self.publishing,
            "activating": self.activating,
            "shadowing": self.shadowing,
            "jobs": self.jobs,
            "readiness": self.readiness,
            "host_circuits": HostCircuits(self.schema, self.inference),
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
    retired = retired_keys(key.parent, kept)
    ledger = Ledger(database, clock, signer, retired, witnesses((signer.public, *retired)))
    pushing = Pushing(database, clock, ledger, targets_of(settings.checkpoint_targets), settings.checkpoint_interval_s)
    decision_logs = DecisionLogs(database, clock, ledger, settings.decision_log_token)
    identity = Identity(database, clock, ledger, watch)
    in_force = policy_in_force(settings, database, ledger, decision_logs)
    publishing, activating, shadowing, beginning = governing(settings, database, clock, ledger, identity, in_force)
    registry = Registry(
        database, clock, ledger, watch, StagesInForce(in_force), known_scorers, settings.max_file_bytes,
        Warrants(ledger), integrities=KeptIntegrity(),
    )  # fmt: skip
    inference = Inference(settings, database, clock)
    indexing = Indexing(settings, database, clock, ledger, jobs, registry, inference)
    evaluation = Evaluation(
        database, clock, ledger, jobs, registry, indexing, inference, concurrency=settings.worker_concurrency,
        margins=MarginsInForce(in_force), server=settings.server_url,
    )  # fmt: skip
    judging = Judging(database, clock, ledger, jobs, registry, inference, concurrency=settings.worker_concurrency)
    evidence = Evidence(database, clock, ledger, registry)
    overlaps = Overlaps(database, clock, ledger, jobs, registry)
    measurements = Measurements(Gathering(ledger, jobs), evaluation, in_force.seed.parameters)
    assembler = Assembler(registry, indexing, measurements, evidence, identity, overlaps, ledger)
    schema = Schema(database)
    alarms = Alarms(signer, settings.alert_url)
    lapses = Lapses(database, ledger, registry)
    gate = Gate(database, clock, ledger, registry, assembler, in_force, Glass(registry, assembler), alarms, shadowing)
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        watch=watch,
        jobs=jobs,
        signer=signer,
        ledger=ledger,
        pushing=pushing,
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
        overlaps=overlaps,
        attesting=Attesting(database, clock, ledger, registry, AttestableInForce(in_force)),
        licensing=Licensing(database, clock, ledger, registry, ModelLicences(inference)),
        policy_in_force=in_force,
        publishing=publishing,
        activating=activating,
        shadowing=shadowing,
        beginning=beginning,
        alarms=alarms,
        gate=gate,
        ending=Ending(gate, alarms, lapses),
        approvals=Approvals(database, clock, ledger, registry, assembler, in_force),
        waivers=Waivers(database, clock, ledger, registry, assembler, in_force),
        bundle_signer=bundle_signer(signer, settings.data_dir / "bundle.pem"),
        decision_logs=decision_logs,
        schema=schema,
        readiness=Readiness(
            {
                "database": database.ping,
                "migrations": schema.check,
                "policy": PolicyChecks(schema, in_force, beginning).trusted,
                "policy_engine": in_force.check_engine,
                "signing_key": SigningKey(signer).check,
                "stage_pointers": StagePointers(schema, registry).check,
            },
            warnings={
                "decision_log": decision_logs.check,
                "checkpoints": pushing.check,
                "roles": RolesBorne(schema, identity).check,
                "exceptions": Exceptions(schema, lapses).check,
            },
        ),
    )
