"""Versions, the edges between them, and registrations in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from sqlalchemy import JSON, CursorResult, String, Table, event, func, literal, select, update
from sqlalchemy import cast as sql_cast

from sekisho.kernel.database import Transaction, each, insert_of
from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.errors import IntegrityFailed
from sekisho.kernel.pages import Cursor
from sekisho.kernel.queries import oldest_first
from sekisho.kernel.references import Kind
from sekisho.registry.rows import ArtifactRow, EdgeRow, RegistrationRow, VersionRow
from sekisho.registry.types import Edge, Provenance, Registration, Version


@dataclass(frozen=True, slots=True)
class Stored:
    """A version, and the ids of its row and of its artifact's."""

    id: str
    artifact_id: str
    version: Version


def after_commit(tx: Transaction, forget: Callable[[], None]) -> None:
    """Call `forget` once this transaction is committed, and not if it is rolled back."""
    event.listen(tx.sync_session, "after_commit", lambda _: forget(), once=True)


class VersionStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def projects(self) -> list[str]:
        """Every project in which something was registered."""
        return list(await self._tx.scalars(select(VersionRow.project).distinct().order_by(VersionRow.project)))

    async def edges(self) -> dict[tuple[str, str], set[tuple[str, str]]]:
        """Of every project and digest its edges: each a role and the digest that it leads to."""
        found: dict[tuple[str, str], set[tuple[str, str]]] = {}
        async for (row,) in each(self._tx, select(EdgeRow)):
            found.setdefault((row.project, row.from_digest), set()).add((row.role, row.to_digest))
        return found

    async def each(self) -> AsyncIterator[tuple[str, Kind, str, int, str, bytes, bool, bool]]:
        """Every version's project, kind, name, number, digest, the bytes of its manifest, whether archived, revoked."""
        query = select(VersionRow, ArtifactRow).join(ArtifactRow, ArtifactRow.id == VersionRow.artifact_id)
        async for row, artifact in each(self._tx, query):
            kind, manifest, archived = Kind(artifact.kind), row.manifest.encode(), row.archived_at is not None
            yield row.project, kind, artifact.name, row.number, row.digest, manifest, archived, row.revoked

    async def insert(
        self, *, version_id: str, artifact_id: str, version: Version, content: bytes, edges: Iterable[Edge]
    ) -> None:
        """Keep a version; `content` are the canonical bytes of its manifest."""
        project = version.project
        self._tx.add(
            VersionRow(
                id=version_id, artifact_id=artifact_id, project=project, digest=version.digest,
                number=version.number, manifest=content.decode(), author=version.author,
                created_at=version.created_at, archived_at=None, revoked=False,
            )
        )  # fmt: skip
        await self._tx.flush()
        rows = [
            {"project": project, "from_digest": edge.from_digest, "role": edge.role, "to_digest": edge.to_digest}
            for edge in edges
        ]
        if rows:  # another name's version of the same content has the same edges
            await self._tx.execute(insert_of(self._tx)(EdgeRow).values(rows).on_conflict_do_nothing())

    async def by_number(self, artifact_id: str, number: int) -> Stored | None:
        return await self._one(VersionRow.artifact_id == artifact_id, VersionRow.number == number)

    async def digest_of(self, artifact_id: str, number: int) -> str | None:
        """The digest under which a version is kept, whatever its manifest says by now."""
        query = select(VersionRow.digest).where(VersionRow.artifact_id == artifact_id, VersionRow.number == number)
        found: str | None = await self._tx.scalar(query)
        return found

    async def by_digest(self, artifact_id: str, digest: str) -> Stored | None:
        return await self._one(VersionRow.artifact_id == artifact_id, VersionRow.digest == digest)

    async def candidates(self, artifact_id: str, prefix: str, limit: int) -> list[tuple[int, str]]:
        """Number and digest of the artifact's versions whose digest begins so, in the order of their numbers."""
        query = (
            select(VersionRow.number, VersionRow.digest)
            .where(VersionRow.artifact_id == artifact_id, VersionRow.digest.startswith(prefix, autoescape=True))
            .order_by(VersionRow.number)
            .limit(limit)
        )
        return [(row.number, row.digest) for row in (await self._tx.execute(query)).all()]

    async def archive(self, version_id: str, archived_at: int | None) -> bool:
        """Whether that changed anything: what is archived keeps its time."""
        there = VersionRow.archived_at.is_not(None)
        done = await self._tx.execute(
            update(VersionRow)
            .where(VersionRow.id == version_id, ~there if archived_at is not None else there)
            .values(archived_at=archived_at)
        )
        return cast("CursorResult[Any]", done).rowcount == 1

    async def page(self, artifact_id: str, after: Cursor | None, limit: int) -> list[Stored]:
        query = oldest_first(
            _versions().where(VersionRow.artifact_id == artifact_id),
            VersionRow.created_at, VersionRow.id, after,
        )  # fmt: skip
        return [_stored(*row) for row in (await self._tx.execute(query.limit(limit))).all()]

    async def named(self, project: str, digests: Sequence[str]) -> dict[str, list[Version]]:
        """Every version under each of these digests: the same content may stand under several names."""
        query = select(*_PLAIN).join(_ARTIFACTS, _ARTIFACTS.c.id == _VERSIONS.c.artifact_id)
        query = query.where(_VERSIONS.c.project == project, _VERSIONS.c.digest.in_(_listed(self._tx, digests)))
        found: dict[str, list[Version]] = {}
        for row in await self._rows(query):
            found.setdefault(row.digest, []).append(_version(*row))
        return found

    async def of_kind(self, project: str, kind: Kind) -> list[Version]:
        """Every version of this kind in the project, oldest first."""
        found = await self._all(VersionRow.project == project, ArtifactRow.kind == kind.value)
        return [stored.version for stored in found]

    async def edges_from(self, project: str, digests: Sequence[str]) -> list[Edge]:
        return await self._edges(EdgeRow.project == project, EdgeRow.from_digest.in_(digests))

    async def behind(self, project: str, root: str) -> list[Edge]:
        """Every edge from this digest and from all that it is made from, however deep and however many; in no order."""
        query = select(_EDGES.c.role, _EDGES.c.from_digest, _EDGES.c.to_digest).where(
            _EDGES.c.project == project, _EDGES.c.from_digest.in_(_reached(project, root))
        )
        return [Edge(*row) for row in await self._rows(query)]

    async def _rows(self, query: Any) -> Sequence[Any]:
        """Rows straight from the tables: the session would take longer to hand out ten thousand than all the rest."""
        return (await (await self._tx.connection()).execute(query)).all()

    async def edges_to(self, project: str, digests: Sequence[str]) -> list[Edge]:
        return await self._edges(EdgeRow.project == project, EdgeRow.to_digest.in_(digests))

    async def _edges(self, *conditions: Any) -> list[Edge]:
        query = select(EdgeRow).where(*conditions)
        rows = await self._tx.scalars(query.order_by(EdgeRow.from_digest, EdgeRow.role, EdgeRow.to_digest))
        return [Edge(row.role, row.from_digest, row.to_digest) for row in rows]

    async def _one(self, *conditions: Any) -> Stored | None:
        return next(iter(await self._all(*conditions, limit=1)), None)

    async def _all(self, *conditions: Any, limit: int | None = None) -> list[Stored]:
        query = _versions().where(*conditions).order_by(VersionRow.created_at, VersionRow.id).limit(limit)
        rows = await self._tx.execute(query.execution_options(populate_existing=True))
        return [_stored(*row) for row in rows.all()]


class RegistrationStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def each(self) -> AsyncIterator[dict[str, Any]]:
        """Every registration's columns that the ledger speaks of, by name."""
        names = ("id", "project", "digest", "principal", "author", "commit", "created_at")
        async for (row,) in each(self._tx, select(RegistrationRow)):
            said = digest_of([row.id, row.message, row.ci_run, row.labels])
            yield {**{name: getattr(row, name) for name in names}, "said": said}

    async def insert(
        self, *, registration_id: str, version_id: str, version: Version, principal: str, said: Provenance, now: int
    ) -> None:
        self._tx.add(
            RegistrationRow(
                id=registration_id, version_id=version_id, project=version.project, digest=version.digest,
                principal=principal, author=said.author, message=said.message, commit=said.commit,
                ci_run=said.ci_run, labels=dict(said.labels), created_at=now,
            )
        )  # fmt: skip
        await self._tx.flush()

    async def hands(self, project: str, digests: Sequence[str]) -> list[tuple[str, str]]:
        """Each principal that registered one of these digests in the project, with each author he named, once."""
        query = select(RegistrationRow.principal, RegistrationRow.author).distinct()
        query = query.where(RegistrationRow.project == project, RegistrationRow.digest.in_(digests))
        query = query.order_by(RegistrationRow.principal, RegistrationRow.author)
        return [(principal, author) for principal, author in (await self._tx.execute(query)).all()]

    async def page(self, version_id: str, after: Cursor | None, limit: int) -> list[Registration]:
        query = oldest_first(
            self._query().where(RegistrationRow.version_id == version_id),
            RegistrationRow.created_at, RegistrationRow.id, after,
        )  # fmt: skip
        return [_registration(*row) for row in (await self._tx.execute(query.limit(limit))).all()]

    async def commits(self, project: str, digests: Sequence[str]) -> dict[str, list[str]]:
        """The commits that these digests were registered from, each once, oldest first."""
        query = (
            select(RegistrationRow.digest, RegistrationRow.commit)
            .where(
                RegistrationRow.project == project, RegistrationRow.digest.in_(digests), RegistrationRow.commit != ""
            )
            .order_by(RegistrationRow.created_at, RegistrationRow.id)
        )
        found: dict[str, list[str]] = {}
        for digest, commit in (await self._tx.execute(query)).all():
            known = found.setdefault(digest, [])
            if commit not in known:
                known.append(commit)
        return found

    @staticmethod
    def _query() -> Any:
        return (
            select(RegistrationRow, VersionRow.number, ArtifactRow.kind, ArtifactRow.name)
            .join(VersionRow, VersionRow.id == RegistrationRow.version_id)
            .join(ArtifactRow, ArtifactRow.id == VersionRow.artifact_id)
        )


def _versions() -> Any:
    return select(VersionRow, ArtifactRow).join(ArtifactRow, ArtifactRow.id == VersionRow.artifact_id)


_ARTIFACTS, _VERSIONS, _EDGES = (cast(Table, row.__table__) for row in (ArtifactRow, VersionRow, EdgeRow))
_PLAIN = (
    _VERSIONS.c.project, _ARTIFACTS.c.kind, _ARTIFACTS.c.name, _VERSIONS.c.number, _VERSIONS.c.digest,
    _VERSIONS.c.manifest, _VERSIONS.c.created_at, _VERSIONS.c.author, _VERSIONS.c.archived_at,
    _ARTIFACTS.c.archived_at.label("all_archived_at"), _VERSIONS.c.revoked,
)  # fmt: skip


def _reached(project: str, root: str) -> Any:
    """This digest and every digest that it is made from, each once, walked by the database itself."""
    reached = select(literal(root, String(71)).label("digest")).cte("reached", recursive=True)
    further = select(_EDGES.c.to_digest).join(reached, _EDGES.c.from_digest == reached.c.digest)
    return select(reached.union(further.where(_EDGES.c.project == project)).c.digest)


def _listed(tx: Transaction, texts: Sequence[str]) -> Any:
    """A query of these texts. They travel as one JSON list, since ten thousands of parameters are more than many."""
    listed = msgspec.json.encode(texts).decode()
    if tx.get_bind().dialect.name == "postgresql":
        return select(
            func.json_array_elements_text(sql_cast(literal(listed, String()), JSON)).table_valued("value").c.value
        )
    return select(func.json_each(listed).table_valued("value").c.value)


def _stored(row: VersionRow, artifact: ArtifactRow) -> Stored:
    version = _version(
        row.project, artifact.kind, artifact.name, row.number, row.digest, row.manifest, row.created_at, row.author,
        row.archived_at, artifact.archived_at, row.revoked,
    )  # fmt: skip
    return Stored(row.id, row.artifact_id, version)


def _version(
    project: str, kind: str, name: str, number: int, digest: str, manifest: str, created_at: int, author: str,
    archived_at: int | None, all_archived_at: int | None, revoked: bool,
) -> Version:  # fmt: skip
    """From `_PLAIN` columns. Raises `IntegrityFailed` where the manifest is not what its digest says."""
    content = manifest.encode()
    if digest_of_bytes(content) != digest:
        raise IntegrityFailed(
            f"the manifest kept as {digest} ({kind}/{name} v{number}) has other content",
            remedy="the database was changed behind Sekisho's back; restore it from a backup",
        )
    archived = archived_at is not None or all_archived_at is not None
    # Bytes of this digest were read strictly when they were registered.
    value = msgspec.json.decode(content)
    return Version(project, Kind(kind), name, number, digest, value, created_at, author, archived, revoked)


def _registration(row: RegistrationRow, number: int, kind: str, name: str) -> Registration:
    return Registration(
        id=row.id, project=row.project, kind=Kind(kind), name=name, number=number, digest=row.digest,
        principal=row.principal, author=row.author, message=row.message, commit=row.commit, ci_run=row.ci_run,
        labels=row.labels, created_at=row.created_at,
    )  # fmt: skip
