"""A gate on a real registry, identity and ledger, with an engine and evidence that a test sets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sekisho.evidence.service import Evidence
from sekisho.gate.approvals import Approvals
from sekisho.gate.assembly import Assembler
from sekisho.gate.bench import Bench
from sekisho.gate.evidence import Measurements
from sekisho.gate.judge import Judge
from sekisho.gate.overrides.ending import Ending
from sekisho.gate.overrides.glass import Glass
from sekisho.gate.overrides.lapsing import Lapses
from sekisho.gate.service import Gate
from sekisho.gate.waivers import Waivers
from sekisho.gate.warrants import Warrants
from sekisho.identity.bootstrap import Bootstrap
from sekisho.identity.service import Identity
from sekisho.identity.types import Actor, PrincipalKind, Role
from sekisho.kernel.database import ChangeWatch, Database, Transaction
from sekisho.kernel.references import DigestPrefix, Kind, Reference
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer
from sekisho.registry.service import Registry
from sekisho.registry.types import Provenance, Version
from tests.clocks import FixedClock
from tests.gate.inputs import digest, fixed_policies
from tests.gate.unqualified import NoQualifications
from tests.registry.manifests import PAGE, agent, corpus, index, model, prompt, put, system

STAGES = ("dev", "staging", "production")
BY_ADA = Provenance(author="Ada <ada@example.org>")


def finding(status: str = "passed", *, mode: str = "enforce") -> dict[str, Any]:
    words = dict.fromkeys(("message", "observed", "required", "remedy"), "said")
    return {"status": status, "waived": False, "mode": mode, **words, "details": []}


def answer(**statuses: str) -> dict[str, Any]:
    """An engine's answer with these findings, ``LIN_01="failed"`` for instance; without any, all is well."""
    found = {name.replace("_", "-"): status for name, status in (statuses or {"LIN_01": "passed"}).items()}
    passed = sorted(name for name, status in found.items() if status == "passed")
    blocking = sorted(set(found) - set(passed))
    rules = {name: finding(status) for name, status in found.items()}
    return {
        "allow": not blocking,
        "required": sorted(found),
        "passed": passed,
        "waived": [],
        "blocking": blocking,
        "rules": rules,
    }


@dataclass
class SetEngine:
    """A policy engine whose next answers a test sets; an exception is raised, a callable is called with the input."""

    answers: list[Any] = field(default_factory=list)
    inputs: list[Mapping[str, Any]] = field(default_factory=list)
    name: str = "set"
    version: str = "1"
    policy_digest: str = digest("9")

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        self.inputs.append(document)
        now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0] if self.answers else answer()
        if callable(now):
            now = await now(document)
        if isinstance(now, BaseException):
            raise now
        return now

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None


@dataclass
class SetRuns:
    """Runs and comparisons that a test sets, by the digest of the version they are about."""

    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def evidence(self, tx: Transaction, project: str, digest: str) -> Sequence[Mapping[str, Any]]:
        return self.runs.get(digest, [])

    async def brief_evidence(self, tx: Transaction, project: str, digest: str) -> Sequence[Mapping[str, Any]]:
        return []

    async def abandoned(self, tx: Transaction, project: str, digest: str) -> Sequence[Mapping[str, Any]]:
        return []

    async def recorded(self, tx: Transaction, project: str, digest: str) -> Sequence[Mapping[str, Any]]:
        return []

    async def pooled(self, tx: Transaction, run_ids: Sequence[str], *, level_ppm: int) -> Mapping[str, Any]:
        raise AssertionError("a test that sets several runs of one pinned suite goes by a real evaluation")

    async def compared(
        self, tx: Transaction, baseline: Sequence[str], candidate: Sequence[str], metrics: Sequence[str],
        *, level_ppm: int, claims: int,
    ) -> Sequence[Mapping[str, Any]]:  # fmt: skip
        return []


@dataclass
class SetBenches:
    """One policy in force, whatever the database says."""

    bench: Bench

    async def sitting(self, tx: Transaction) -> Bench:
        return self.bench


class SetIndexes:
    """Every index verifies."""

    async def integrity(self, tx: Transaction, project: str, digest: str) -> Mapping[str, Any]:
        return {"integrity": "verified", "verified_at": 1}


class NoOverlaps:
    """Nobody looked."""

    async def about(
        self, tx: Transaction, project: str, prompts: Collection[str], corpora: Collection[str]
    ) -> Sequence[Mapping[str, Any]]:
        return []


@dataclass
class Heard:
    """An alarm that keeps what it was told."""

    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def sound(self, event: str, facts: Mapping[str, Any]) -> None:
        self.events.append((event, facts))


@dataclass
class World:
    """One server's gate, and people to ask it."""

    database: Database
    clock: FixedClock
    ledger: Ledger
    identity: Identity
    registry: Registry
    engine: SetEngine
    runs: SetRuns
    gate: Gate
    approvals: Approvals
    waivers: Waivers
    ending: Ending
    heard: Heard
    admin: Actor
    people: dict[str, Actor] = field(default_factory=dict)

    async def person(
        self, name: str, *roles: Role, kind: PrincipalKind = PrincipalKind.PERSON, by: Actor | None = None,
        email: str | None = None,
    ) -> Actor:  # fmt: skip
        """A principal with these roles in ``default`` and a token, created by `by` (the first admin unless said)."""
        creator = by or self.admin
        await self.identity.create_principal(creator, name, kind, email=email)
        for role in roles:
            await self.identity.grant_role(creator, name, "default", role)
        _, secret = await self.identity.issue_token(creator, name)
        self.people[name] = await self.identity.authenticate(secret)
        return self.people[name]

    async def agent(self, by: Actor, *, name: str = "docs", text: str = "{{ context }}") -> Version:
        """Register an agent whose prompt says `text`, and all that it is made of."""
        await put(self.registry, by, PAGE)
        corpus_digest = await self._registered(by, Kind.CORPUS, name, corpus())
        pins = {
            "system": await self._registered(by, Kind.SYSTEM, name, system()),
            "prompt": await self._registered(by, Kind.PROMPT, name, prompt(text)),
            "model": await self._registered(by, Kind.MODEL, name, model()),
            "index": await self._registered(by, Kind.INDEX, name, index(corpus_digest)),
        }
        made = await self.registry.register(by, "default", Kind.AGENT, name, agent(pins), BY_ADA)
        return made.version

    async def _registered(self, by: Actor, kind: Kind, name: str, manifest: dict[str, Any]) -> str:
        return (await self.registry.register(by, "default", kind, name, manifest, BY_ADA)).version.digest

    async def serves(self, stage: str, *, name: str = "docs") -> str | None:
        async with self.database.read() as tx:
            pointer = await self.registry.pointer(tx, "default", Kind.AGENT, name, stage)
        return None if pointer is None else pointer.digest


def exactly(version: Version) -> Reference:
    """A reference to this version by its whole digest."""
    return Reference(version.project, version.kind, version.name, DigestPrefix(version.digest.removeprefix("sha256:")))


async def build_world(database: Database, clock: FixedClock, signer: Signer, folder: Path) -> tuple[World, ChangeWatch]:
    """A started world; close the watch at the end."""
    watch = ChangeWatch(database)
    await watch.start()
    ledger = Ledger(database, clock, signer)
    identity = Identity(database, clock, ledger, watch)
    token = await Bootstrap(identity, folder).run()
    assert token is not None
    admin = await identity.authenticate(token.read_text().strip())
    registry = Registry(database, clock, ledger, watch, STAGES, lambda: ("recall@5",), 10_000, Warrants(ledger))
    engine, runs = SetEngine(), SetRuns()
    measurements = Measurements(runs, NoQualifications(), fixed_policies().parameters)
    evidence = Evidence(database, clock, ledger, registry)
    assembler = Assembler(registry, SetIndexes(), measurements, evidence, identity, NoOverlaps(), ledger)
    benches, heard = SetBenches(Bench(fixed_policies(), Judge(engine))), Heard()
    gate = Gate(database, clock, ledger, registry, assembler, benches, Glass(registry, assembler), heard)
    approvals = Approvals(database, clock, ledger, registry, assembler, benches)
    waivers = Waivers(database, clock, ledger, registry, assembler, benches)
    ending = Ending(gate, heard, Lapses(database, ledger, registry))
    world = World(
        database, clock, ledger, identity, registry, engine, runs, gate, approvals, waivers, ending, heard, admin
    )
    return world, watch
