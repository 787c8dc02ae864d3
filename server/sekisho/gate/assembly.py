"""Building the gate's input: everything a decision may rest on, read in one snapshot."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from sekisho.evidence.types import Attested, Card, LicenceScan
from sekisho.gate import input_types as gate
from sekisho.gate.attested import card_evidence, document_evidence, scan_evidence
from sekisho.gate.borne import Log, unborne
from sekisho.gate.evidence import Measurements
from sekisho.gate.evidence_types import Evidence
from sekisho.gate.facts import files_of, node_of
from sekisho.gate.givers import Hand, People, givers_of, person_or_service
from sekisho.gate.overrides.standing import as_allowed
from sekisho.gate.parameters import Parameters
from sekisho.gate.records import Approval, GateAction, Waiver
from sekisho.gate.schemas import read_input
from sekisho.gate.store import ApprovalStore, DecisionStore, WaiverStore
from sekisho.gate.witness import GivenApprovals, GivenWaivers, approval_facts, waiver_facts
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.references import Kind
from sekisho.registry.revoking import REVOKED
from sekisho.registry.types import Closure, Pointer, Version


class Versions(Protocol):
    """What the gate asks of the registry."""

    async def closure(self, tx: Transaction, project: str, digest: str) -> Closure: ...

    async def absent(self, tx: Transaction, project: str, digests: Sequence[str]) -> frozenset[str]: ...

    async def pointers(self, tx: Transaction, project: str, kind: Kind, name: str) -> tuple[Pointer, ...]: ...

    async def hands_in(
        self, tx: Transaction, project: str, digests: Collection[str]
    ) -> tuple[tuple[str, str], ...]: ...


class Indexes(Protocol):
    """What the gate asks of indexing."""

    async def integrity(self, tx: Transaction, project: str, digest: str) -> Mapping[str, Any]: ...


class Cards(Protocol):
    """What the gate asks of attested evidence."""

    async def newest_cards(self, tx: Transaction, project: str, subjects: Collection[str]) -> tuple[Card, ...]: ...

    async def newest_documents(
        self, tx: Transaction, project: str, subjects: Collection[str]
    ) -> tuple[Attested, ...]: ...

    async def newest_scans(
        self, tx: Transaction, project: str, subjects: Collection[str]
    ) -> tuple[LicenceScan, ...]: ...


class Overlaps(Protocol):
    """What the gate asks of overlap checks."""

    async def about(
        self, tx: Transaction, project: str, prompts: Collection[str], corpora: Collection[str]
    ) -> Sequence[Mapping[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: may this version move to this stage? `now` is epoch milliseconds.

    `along` are the versions of its closure that move with it, where that is asked for: policy judges them anyway.
    """

    version: Version
    action: GateAction
    stage: str
    requester: str
    requester_kind: str
    now: int
    along: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class Assembler:
    """Gathers the gate's input from the rooms that hold its parts."""

    versions: Versions
    indexes: Indexes
    measurements: Measurements
    cards: Cards
    people: People
    overlaps: Overlaps
    log: Log

    def under(self, parameters: Parameters) -> Assembler:
        """The same, gathering what a policy with these parameters asks for."""
        return replace(self, measurements=replace(self.measurements, parameters=parameters))

    async def assemble(self, tx: Transaction, question: Question) -> gate.GateInput:
        """The whole input, validated against its schema. Raises `Invalid` where a part cannot stand in it."""
        version = question.version
        closure = await self.versions.closure(tx, version.project, version.digest)
        pointers = await self._pointers(tx, version)
        current = next((pointer for pointer in pointers if pointer.stage == question.stage), None)
        involved = await self._involved(tx, question, closure)
        evidence = await self._evidence(tx, version, closure, question.stage, current, question.now)
        approvals = await self._approvals(tx, question, involved)
        formerly = await DecisionStore(tx).once_allowed(
            version.project, version.kind, version.name, version.digest, question.stage
        )
        whole = gate.GateInput(
            schema=gate.SCHEMA,
            now=question.now,
            action=question.action.value,
            project=version.project,
            stage=question.stage,
            from_stages=tuple(sorted(p.stage for p in pointers if p.digest == version.digest)),
            subject=gate.Subject(
                kind=version.kind.value, name=version.name, digest=version.digest, number=version.number
            ),
            requester=gate.Requester(principal=question.requester, kind=person_or_service(question.requester_kind)),
            involved=involved,
            current=UNSET if current is None else gate.Current(digest=current.digest, number=current.number),
            formerly_allowed=formerly,
            lineage=await self._lineage(tx, version.project, closure),
            along=tuple(sorted({other.digest for other in question.along})),
            evidence=evidence,
            approvals=approvals,
            waivers=await self._waivers(tx, question, involved),
        )
        return read_input(whole.as_json())

    async def evidence_hash(self, tx: Transaction, version: Version, stage: str, now: int) -> str:
        """The hash that an approval of this version for this stage must name; `now` is epoch milliseconds."""
        closure = await self.versions.closure(tx, version.project, version.digest)
        pointers = await self._pointers(tx, version)
        current = next((pointer for pointer in pointers if pointer.stage == stage), None)
        return (await self._evidence(tx, version, closure, stage, current, now)).hash

    async def _pointers(self, tx: Transaction, version: Version) -> tuple[Pointer, ...]:
        return await as_allowed(tx, await self.versions.pointers(tx, version.project, version.kind, version.name))

    async def _lineage(self, tx: Transaction, project: str, closure: Closure) -> gate.Lineage:
        held = [file for version in closure.nodes.values() for file in files_of(version)]
        absent = await self.versions.absent(tx, project, held) if held else frozenset[str]()
        nodes: dict[str, gate.Node] = {}
        # What the ledger says is revoked stays so, whatever somebody made of the rows.
        revoked = await self.log.subjects(tx, project=project, kind=REVOKED)
        for digest, version in sorted(closure.nodes.items()):
            found = await self.indexes.integrity(tx, project, digest) if version.kind is Kind.INDEX else None
            if digest in revoked and not version.revoked:
                version = msgspec.structs.replace(version, revoked=True)
            nodes[digest] = node_of(version, index=found, absent=absent)
        edges: dict[str, set[str]] = {digest: set() for digest in nodes}
        for edge in closure.edges:
            edges.setdefault(edge.from_digest, set()).add(edge.to_digest)
        return gate.Lineage(
            root=closure.root,
            nodes=nodes,
            edges={digest: tuple(sorted(targets)) for digest, targets in sorted(edges.items())},
            dangling=tuple(sorted(closure.missing)),
        )

    async def _evidence(
        self, tx: Transaction, version: Version, closure: Closure, stage: str, current: Pointer | None, now: int
    ) -> Evidence:
        baseline = None if current is None or current.digest == version.digest else current.digest
        measured = await self.measurements.gather(tx, version, stage, baseline, now)
        systems, prompts, corpora = (
            [digest for digest, node in closure.nodes.items() if node.kind is kind]
            for kind in (Kind.SYSTEM, Kind.PROMPT, Kind.CORPUS)
        )
        cards = [card_evidence(card) for card in await self.cards.newest_cards(tx, version.project, systems)]
        overlaps = await self.overlaps.about(tx, version.project, prompts, corpora)
        looked = await self._looked_at(tx, version.project, closure)
        plain = {**measured, "cards": msgspec.to_builtins(cards), **looked}
        if overlaps:  # told of nothing, an evidence hash is what it was before there were such checks
            plain["overlaps"] = [dict(one) for one in overlaps]
        return msgspec.convert({"hash": digest_of(plain), **plain}, Evidence)

    async def _looked_at(self, tx: Transaction, project: str, closure: Closure) -> dict[str, Any]:
        """Licence scans and attested documents; what there is nothing of is left out, as in the input."""
        scans = await self.cards.newest_scans(tx, project, closure.nodes)
        documents = await self.cards.newest_documents(tx, project, closure.nodes)
        names = {one.principal for one in documents}
        held = await self.people.who_holds(tx, names, project) if names else frozenset()
        found = {
            "licences": [scan_evidence(scan) for scan in scans],
            "attested": [document_evidence(one, has_role=(one.principal, one.role) in held) for one in documents],
        }
        return {name: msgspec.to_builtins(values) for name, values in found.items() if values}

    async def _involved(self, tx: Transaction, question: Question, closure: Closure) -> tuple[gate.Involved, ...]:
        requester = gate.Involved(principal=question.requester, because="requester")
        return (*await self._authors(tx, question.version.project, closure), requester)

    async def _authors(self, tx: Transaction, project: str, closure: Closure) -> tuple[gate.Involved, ...]:
        hands = await self.versions.hands_in(tx, project, closure.nodes)
        authors = {author for _, author in hands if author}
        known = await self.people.people_named(tx, authors | {principal for principal, _ in hands})
        found = {(principal, "author") for principal, _ in hands}
        found |= {(known[author].name if author in known else author, "commit_author") for author in authors}
        kinds = {person.name: person.kind.value for person in known.values()}
        pairs = [
            {"principal": principal, "because": because, **({"kind": kinds[principal]} if principal in kinds else {})}
            for principal, because in sorted(found)
        ]
        return msgspec.convert(tuple(pairs), tuple[gate.Involved, ...])

    async def _approvals(
        self, tx: Transaction, question: Question, involved: tuple[gate.Involved, ...]
    ) -> tuple[gate.ApprovalEvidence, ...]:
        version = question.version
        stored = await ApprovalStore(tx).all(version.project, version.digest, question.stage)
        if not stored:
            return ()
        rows = {approval.id: approval_facts(approval) for approval in stored}
        edited = await unborne(tx, self.log, GivenApprovals(), version.project, version.digest, rows)
        givers = await givers_of(tx, self.people, version.project, stored, involved, edited)
        return tuple(map(givers.approval, stored))

    async def _waivers(
        self, tx: Transaction, question: Question, involved: tuple[gate.Involved, ...]
    ) -> tuple[gate.WaiverEvidence, ...]:
        version = question.version
        stored = await WaiverStore(tx).standing(version.project, version.digest, question.stage, question.now)
        if not stored:
            return ()
        rows = {waiver.id: waiver_facts(waiver) for waiver in stored}
        edited = await unborne(tx, self.log, GivenWaivers(), version.project, version.digest, rows)
        givers = await givers_of(tx, self.people, version.project, stored, involved, edited)
        return tuple(map(givers.waiver, stored))

    async def objections(self, tx: Transaction, version: Version, given: Approval | Waiver | Hand) -> list[str]:
        """Why the giver may say nothing about this version, whoever may ask for its promotion; empty where he may."""
        involved = await self._authors(
            tx, version.project, await self.versions.closure(tx, version.project, version.digest)
        )
        return (await givers_of(tx, self.people, version.project, [given], involved)).reasons(given)
