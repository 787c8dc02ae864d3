"""Taking things in: blobs and versions, and putting them away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import canonical_json, digest_of, digest_of_bytes, is_digest
from sekisho.kernel.errors import Archived, Conflict, FieldError, Invalid, Revoked, TooLarge
from sekisho.kernel.ids import new_id
from sekisho.kernel.references import Kind, Reference, parse_name
from sekisho.registry.artifacts import ArtifactStore
from sekisho.registry.blobs import BlobStore
from sekisho.registry.checks import OF_NOTHING, check_content, check_references, copy_blob, read_blob, read_blobs
from sekisho.registry.finding import artifact_of, find
from sekisho.registry.index_kinds import CorpusFile
from sekisho.registry.manifests import Manifest, parse_manifest
from sekisho.registry.pointers import StageStore
from sekisho.registry.ports import Ports
from sekisho.registry.revocations import RevocationStore
from sekisho.registry.store import RegistrationStore, Stored, VersionStore
from sekisho.registry.types import Artifact, Edge, Provenance, Registered, Version

MAX_DIGESTS: Final = 20_000
_READ_AT_ONCE: Final = 200
_BYTES_AT_ONCE: Final = 2_000_000


@dataclass(frozen=True)
class Registering(Ports):
    """Use cases that write artifacts.

    Every write takes the ledger's lock first: versions are numbered densely, archiving and moving a pointer exclude
    each other, and no two transactions wait for one another crosswise.
    """

    async def put_blob(self, actor: Actor, project: str, digest: str, data: bytes) -> None:
        """Keep bytes under their digest; keeping them again changes nothing.

        Raises `Invalid` where the bytes have another digest, `TooLarge` over the setting `max_file_bytes`.
        """
        actor.require(project, Action.REGISTER)
        if len(data) > self.max_file_bytes:
            raise TooLarge(
                f"{len(data)} bytes; one file has at most {self.max_file_bytes}",
                remedy="split the file, or let an operator raise SEKISHO_MAX_FILE_BYTES",
            )
        actual = digest_of_bytes(data)
        if actual != digest:
            raise Invalid(
                "the bytes do not have this digest", fields=[FieldError("$.digest", f"these bytes are {actual}")]
            )
        async with self.database.write() as tx:
            await BlobStore(tx).insert(project, digest, data, epoch_ms(self.clock.now()))

    async def blob(self, actor: Actor, project: str, digest: str) -> bytes:
        """Raises `NotFound`, and `IntegrityFailed` where the stored bytes have changed."""
        actor.require(project, Action.READ)
        _whole(digest)
        async with self.database.read() as tx:
            return await read_blob(tx, project, digest)

    async def missing_blobs(self, actor: Actor, project: str, digests: Sequence[str]) -> tuple[str, ...]:
        """Which of these digests (at most 20,000) no blob is kept under."""
        actor.require(project, Action.READ)
        if len(digests) > MAX_DIGESTS:
            raise TooLarge(f"{len(digests)} digests; ask for at most {MAX_DIGESTS} at a time")
        for digest in digests:
            _whole(digest)
        async with self.database.read() as tx:
            there = await BlobStore(tx).sizes(project, digests)
        return tuple(digest for digest in dict.fromkeys(digests) if digest not in there)

    async def absent(self, tx: Transaction, project: str, digests: Sequence[str]) -> frozenset[str]:
        """Which of these digests have no bytes that could be had: never put, or erased."""
        there = await BlobStore(tx).sizes(project, sorted(set(digests)))
        return frozenset(digest for digest in digests if not there.get(digest) and digest != OF_NOTHING)

    async def read_blob(self, tx: Transaction, project: str, digest: str) -> bytes:
        """A blob for another room. Raises `NotFound` and `IntegrityFailed`."""
        return await read_blob(tx, project, digest)

    async def documents(
        self, project: str, files: Sequence[CorpusFile]
    ) -> AsyncIterator[list[tuple[CorpusFile, bytes]]]:
        """A corpus's files with their bytes, in this order, as many at a time as memory should hold.

        Raises as `read_blob`.
        """
        for some in _some_at_a_time(files):
            async with self.database.read() as tx:
                held = await read_blobs(tx, project, [file.digest for file in some])
            yield [(file, held[file.digest]) for file in some]

    async def keep_blob(self, tx: Transaction, project: str, data: bytes) -> str:
        """`put_blob` for another room, inside its write transaction; gives the digest."""
        digest = digest_of_bytes(data)
        await BlobStore(tx).insert(project, digest, data, epoch_ms(self.clock.now()))
        return digest

    async def copy_blob(self, tx: Transaction, project: str, digest: str, file: IO[bytes]) -> None:
        """A blob into an empty file, a piece at a time, for what may be too large to hold. Raises as `read_blob`."""
        await copy_blob(tx, project, digest, file)

    async def register(
        self, actor: Actor, project: str, kind: Kind, name: str, manifest: Mapping[str, Any], registration: Provenance
    ) -> Registered:
        """Register a manifest under a name. The same content is the same version, and one registration more.

        Raises `Invalid` naming every offending field, `Archived` where the artifact or this version is archived,
        `Revoked` where this very content is revoked.
        """
        actor.require(project, Action.REGISTER)
        parsed = await asyncio.to_thread(parse_manifest, kind, manifest)
        async with self.database.read() as tx:
            await check_content(tx, project, parsed)
        async with self.database.write() as tx:
            return await self._register(tx, actor.principal, project, kind, name, parsed, registration)

    async def register_in(
        self, tx: Transaction, principal: str, project: str, kind: Kind, name: str,
        manifest: Mapping[str, Any], registration: Provenance,
    ) -> Registered:  # fmt: skip
        """`register` for another room, inside its write transaction."""
        parsed = parse_manifest(kind, manifest)
        await check_content(tx, project, parsed)
        return await self._register(tx, principal, project, kind, name, parsed, registration)

    async def _register(
        self, tx: Transaction, principal: str, project: str, kind: Kind, name: str, manifest: Manifest, said: Provenance
    ) -> Registered:
        parse_name(name)
        await self.ledger.lock(tx)
        await check_references(tx, project, manifest, self.scorers())
        await _refuse_revoked(tx, project, manifest.own_digest())
        now = self.clock.now()
        artifact = await self._artifact_for(tx, project, kind, name)
        known = await VersionStore(tx).by_digest(artifact.id, manifest.own_digest())
        if artifact.archived or (known is not None and known.version.archived):
            raise Archived(
                f"{artifact.label} is archived and takes nothing new", remedy=f"`sekisho restore {artifact.label}`"
            )
        stored = known or await self._insert_version(tx, artifact, manifest, said)
        count = max(artifact.versions, stored.version.number)
        await ArtifactStore(tx).count(artifact.id, versions=count, latest=stored.version.number)
        if dict(said.labels) != dict(artifact.labels):
            await ArtifactStore(tx).label(artifact.id, said.labels)
        registration_id = new_id(now)
        await RegistrationStore(tx).insert(
            registration_id=registration_id, version_id=stored.id, version=stored.version,
            principal=principal, said=said, now=epoch_ms(now),
        )  # fmt: skip
        body = {"artifact": artifact.label, "number": stored.version.number, "new": known is None}
        # A person's name could never be erased from the ledger; the digest holds the registration's row to it.
        author = {"author": digest_of([registration_id, said.author])} if said.author else {}
        body |= {"registration": registration_id, "commit": said.commit, **author}
        body["said"] = digest_of([registration_id, said.message, said.ci_run, dict(said.labels)])
        await self._record(tx, "version.registered", project, principal, stored.version.digest, body)
        return Registered(stored.version, registration_id, known is None)

    async def _artifact_for(self, tx: Transaction, project: str, kind: Kind, name: str) -> Artifact:
        found = await ArtifactStore(tx).one_or_none(project, kind, name)
        if found is not None:
            return found
        now = self.clock.now()
        made = Artifact(
            new_id(now), project, kind, name, epoch_ms(now), archived=False, versions=0, latest=0, labels={}
        )
        await ArtifactStore(tx).insert(made)
        return made

    async def _insert_version(
        self, tx: Transaction, artifact: Artifact, manifest: Manifest, said: Provenance
    ) -> Stored:
        now = self.clock.now()
        version = Version(
            project=artifact.project, kind=artifact.kind, name=artifact.name, number=artifact.versions + 1,
            digest=manifest.own_digest(), manifest=manifest.to_json(), created_at=epoch_ms(now), author=said.author,
            archived=False, revoked=False,
        )  # fmt: skip
        version_id = new_id(now)
        await VersionStore(tx).insert(
            version_id=version_id, artifact_id=artifact.id, version=version, content=canonical_json(version.manifest),
            edges=[Edge(pin.role, version.digest, pin.digest) for pin in manifest.dependencies()],
        )  # fmt: skip
        return Stored(version_id, artifact.id, version)

    async def archive(self, actor: Actor, reference: Reference) -> None:
        """Put an artifact away, or with a selector one version: it answers, but takes nothing new.

        Archiving again changes nothing. Raises `Conflict` for a version that a stage serves.
        """
        await self._put_away(actor, reference, away=True)

    async def restore(self, actor: Actor, reference: Reference) -> None:
        """Take an artifact, or with a selector one version, back into use."""
        await self._put_away(actor, reference, away=False)

    async def _put_away(self, actor: Actor, reference: Reference, *, away: bool) -> None:
        actor.require(reference.project, Action.REGISTER)
        subject: str | None
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            if reference.selector is None:
                artifact = await artifact_of(tx, reference)
                subject, what = None, "artifact"
                changed = await ArtifactStore(tx).archive(artifact.id, self._moment(away))
                body: dict[str, Any] = {"artifact": artifact.label}
            else:
                stored, _ = await find(tx, reference, self.stages)
                version, subject, what = stored.version, stored.version.digest, "version"
                if away:
                    await self._refuse_served(tx, version)
                changed = await VersionStore(tx).archive(stored.id, self._moment(away))
                body = {"artifact": version.label, "number": version.number}
            if changed:
                kind = f"{what}.archived" if away else f"{what}.restored"
                await self._record(tx, kind, reference.project, actor.principal, subject, body)

    def _moment(self, away: bool) -> int | None:
        return epoch_ms(self.clock.now()) if away else None

    async def _refuse_served(self, tx: Transaction, version: Version) -> None:
        pointers = await StageStore(tx).all(version.project, version.kind, version.name)
        stages = [pointer.stage for pointer in pointers if pointer.digest == version.digest]
        if stages:
            raise Conflict(
                f"{version} serves {' and '.join(stages)}",
                remedy="promote another version there first, or archive the whole artifact",
            )


async def _refuse_revoked(tx: Transaction, project: str, digest: str) -> None:
    """Under another name the same bytes would come back into use."""
    revocation = await RevocationStore(tx).one_or_none(project, digest)
    if revocation is not None:
        raise Revoked(f"{digest} is revoked: {revocation.reason}", remedy="change the content, and register that")


def _whole(digest: str) -> None:
    if not is_digest(digest):
        raise Invalid(
            f"{digest[:80]!r} is not a whole digest", fields=[FieldError("$.digest", "write sha256:<64 hex digits>")]
        )


def _some_at_a_time(files: Sequence[CorpusFile]) -> Iterator[list[CorpusFile]]:
    """In their order: until there are many, or they are large together."""
    some: list[CorpusFile] = []
    size = 0
    for file in files:
        if some and (len(some) == _READ_AT_ONCE or size + file.bytes > _BYTES_AT_ONCE):
            yield some
            some, size = [], 0
        some.append(file)
        size += file.bytes
    if some:
        yield some
