"""Use cases of licence scans: looking at the bytes of what a version is made from, instead of believing manifests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from sekisho.evidence.scanning import SCANNER, Findings, Source, declared, in_cases, in_documents
from sekisho.evidence.store import LicenceScanStore
from sekisho.evidence.types import LicenceFinding, LicenceScan
from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.ids import new_id
from sekisho.kernel.references import Kind, Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.manifests import CorpusManifest, ModelManifest
from sekisho.registry.service import Registry
from sekisho.registry.types import Version

LICENSED: Final = (Kind.CORPUS, Kind.DATASET, Kind.INDEX, Kind.MODEL)
"""Kinds whose versions stand under somebody's licence; of an index it is its embedder's."""
_FIXED: Final = (Kind.CORPUS, Kind.DATASET)
"""Kinds about which the same scanner finds the same each time: nobody but their bytes is asked."""


class Told(Protocol):
    """What somebody who delivers a model says of its licence: a name or a text."""

    @property
    def source(self) -> str: ...

    @property
    def place(self) -> str: ...

    @property
    def text(self) -> str: ...


class Delivering(Protocol):
    """Asks those who deliver models."""

    async def of_model(self, model: ModelManifest) -> Sequence[Told]: ...

    async def of_embedder(self, name: str, digest: str) -> Sequence[Told]: ...


@dataclass(frozen=True, slots=True)
class Licensing:
    """Scans what a version is made from, and keeps what was found, bound to each part's digest."""

    database: Database
    clock: Clock
    ledger: Ledger
    registry: Registry
    delivering: Delivering

    async def scan(self, actor: Actor, reference: Reference) -> tuple[LicenceScan, ...]:
        """The newest scan of every licensed part of the version's closure, made now where it was not or says else."""
        actor.require(reference.project, Action.EVALUATE)
        async with self.database.read() as tx:
            version = await self.registry.find(tx, reference)
            closure = await self.registry.closure(tx, version.project, version.digest)
            parts = [part for _, part in sorted(closure.nodes.items()) if part.kind in LICENSED]
            known = await newest_scans(tx, version.project, [part.digest for part in parts])
        return tuple([await self._scanned(actor, part, known.get(part.digest)) for part in parts])

    async def scans(self, actor: Actor, reference: Reference) -> tuple[LicenceScan, ...]:
        """The newest scan of every part of the version's closure that was scanned."""
        actor.require(reference.project, Action.READ)
        async with self.database.read() as tx:
            version = await self.registry.find(tx, reference)
            closure = await self.registry.closure(tx, version.project, version.digest)
            found = await newest_scans(tx, version.project, list(closure.nodes))
        return tuple(found[digest] for digest in sorted(found))

    async def _scanned(self, actor: Actor, version: Version, known: LicenceScan | None) -> LicenceScan:
        if known is not None and known.scanner == SCANNER and version.kind in _FIXED:
            return known
        findings = await self._findings(version)
        if known is not None and (known.scanner, known.findings) == (SCANNER, findings):
            return known
        return await self._keep(actor, version, findings)

    async def _findings(self, version: Version) -> tuple[LicenceFinding, ...]:
        findings = Findings()
        declared(findings, version.manifest)
        match version.kind:
            case Kind.CORPUS:
                await self._read_corpus(findings, version)
            case Kind.DATASET:
                async with self.database.read() as tx:
                    data = await self.registry.read_blob(tx, version.project, version.manifest["content"])
                await asyncio.to_thread(in_cases, findings, data)
            case Kind.MODEL:
                model = msgspec.convert(dict(version.manifest), ModelManifest)
                _told(findings, await self.delivering.of_model(model))
            case Kind.INDEX:
                embedder = version.manifest["embedder"]
                _told(findings, await self.delivering.of_embedder(embedder["name"], embedder["digest"]))
        return findings.all

    async def _read_corpus(self, findings: Findings, version: Version) -> None:
        """Every document; memory holds some of them at a time."""
        files = msgspec.convert(dict(version.manifest), CorpusManifest).files
        async for some in self.registry.documents(version.project, files):
            await asyncio.to_thread(in_documents, findings, [(file.path, data) for file, data in some])

    async def _keep(self, actor: Actor, version: Version, findings: tuple[LicenceFinding, ...]) -> LicenceScan:
        now = self.clock.now()
        scan = LicenceScan(
            id=new_id(now),
            project=version.project,
            subject=version.digest,
            kind=version.kind.value,
            name=version.name,
            number=version.number,
            scanner=SCANNER,
            findings=findings,
            principal=actor.principal,
            created_at=epoch_ms(now),
        )
        async with self.database.write() as tx:
            await LicenceScanStore(tx).insert(scan)
            await self.ledger.append(
                tx,
                kind="licences.scanned",
                project=scan.project,
                principal=scan.principal,
                subject=scan.subject,
                body={"scan": scan.id, "content": findings_digest(scan)},
            )
        return scan


def findings_digest(scan: LicenceScan) -> str:
    """What the ledger holds a scan to."""
    return digest_of({"scanner": scan.scanner, "findings": msgspec.to_builtins(scan.findings)})


async def newest_scans(tx: Transaction, project: str, subjects: Sequence[str]) -> dict[str, LicenceScan]:
    """The newest scan of each of these digests that was scanned."""
    newest: dict[str, LicenceScan] = {}
    for scan in await LicenceScanStore(tx).all(project, subjects):
        newest.setdefault(scan.subject, scan)
    return newest


def _told(findings: Findings, told: Sequence[Told]) -> None:
    for one in told:
        if one.source == "folder":
            in_documents(findings, [(one.place, one.text.encode())])
        else:
            source: Source = "host" if one.source == "host" else "package"
            findings.add_text(source, one.place, one.text)
