"""Taking a document out of a project: its bytes, and every version that could give them back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from sekisho.identity.types import Actor
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import NotFound
from sekisho.kernel.references import Kind
from sekisho.registry.blobs import BlobStore
from sekisho.registry.manifests import CorpusManifest, DatasetManifest
from sekisho.registry.revocations import RevocationStore
from sekisho.registry.revoking import Revoking
from sekisho.registry.store import VersionStore, after_commit
from sekisho.registry.types import Version


@dataclass(frozen=True, slots=True)
class Holding:
    """Where a document's bytes stand in a project. `dependants` are the digests of what is made from the indexes."""

    digests: tuple[str, ...]
    corpora: tuple[Version, ...]
    indexes: tuple[Version, ...]
    dependants: tuple[str, ...]


@dataclass(frozen=True)
class ErasingVersions(Revoking):
    """For an erasure, inside its transaction."""

    async def holding(self, tx: Transaction, corpus: Version, document: str) -> Holding:
        """Every text that the path ever had in this corpus's name, and all in the project that holds one of them.

        Raises `NotFound` where no version of the corpus has such a document.
        """
        versions = VersionStore(tx)
        corpora = [(one, _files(one)) for one in await versions.of_kind(corpus.project, Kind.CORPUS)]
        digests = {files[document] for one, files in corpora if one.name == corpus.name and document in files}
        if not digests:
            raise NotFound(f"no version of {corpus.label} has a document {document!r}")
        holding = [one for one, files in corpora if digests & set(files.values())]
        pinned = {one.digest for one in holding}
        indexes = [
            one for one in await versions.of_kind(corpus.project, Kind.INDEX) if one.manifest.get("corpus") in pinned
        ]
        dependants = await self._dependants(tx, corpus.project, {one.digest for one in indexes})
        return Holding(tuple(sorted(digests)), tuple(holding), tuple(indexes), tuple(sorted(dependants)))

    async def datasets(self, tx: Transaction, project: str) -> list[tuple[Version, str]]:
        """The project's datasets, each with the digest of its cases."""
        found = await VersionStore(tx).of_kind(project, Kind.DATASET)
        return [(one, msgspec.convert(dict(one.manifest), DatasetManifest).content) for one in found]

    async def erase_in(
        self,
        tx: Transaction,
        actor: Actor,
        project: str,
        holding: Holding,
        reason: str,
        datasets: Sequence[tuple[Version, str]] = (),
    ) -> None:
        """Blank the bytes, which may not come back under their digest, and revoke what holds them, for this reason.

        `datasets` go with them, each named with the digest of its cases. The caller writes the ledger's entry.
        """
        await self.blank(tx, project, [*holding.digests, *(content for _, content in datasets)])
        revoked = [*holding.corpora, *holding.indexes, *(version for version, _ in datasets)]
        held = {one.digest: one for one in revoked}
        known = {one.digest for one in await RevocationStore(tx).all(project, sorted(held))}
        for digest in sorted(held.keys() - known):
            await self.revoke_in(tx, actor, held[digest], reason)
        await self.database.announce(tx)
        after_commit(tx, self.memory.forget)

    async def blank(self, tx: Transaction, project: str, digests: Sequence[str]) -> None:
        """Erase these blobs' bytes, for ever."""
        await BlobStore(tx).blank(project, digests)

    async def _dependants(self, tx: Transaction, project: str, digests: Collection[str]) -> set[str]:
        found: set[str] = set()
        waiting: Sequence[str] = sorted(digests)
        while waiting:
            edges = await VersionStore(tx).edges_to(project, waiting)
            waiting = sorted({edge.from_digest for edge in edges} - found)
            found |= set(waiting)
        return found


def _files(version: Version) -> dict[str, str]:
    return {file.path: file.digest for file in msgspec.convert(dict(version.manifest), CorpusManifest).files}
