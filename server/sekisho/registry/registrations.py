"""Acts of registering in the database. None is ever changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import select

from sekisho.kernel.database import Transaction, each, oldest_first
from sekisho.kernel.pages import Cursor
from sekisho.kernel.references import Kind
from sekisho.registry.rows import ArtifactRow, RegistrationRow, VersionRow
from sekisho.registry.types import Provenance, Registration, Version


class RegistrationStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def each(self) -> AsyncIterator[dict[str, Any]]:
        """Every registration's columns that the ledger speaks of, by name."""
        names = ("id", "project", "digest", "principal", "author", "commit", "created_at")
        async for (row,) in each(self._tx, select(RegistrationRow)):
            yield {name: getattr(row, name) for name in names}

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


def _registration(row: RegistrationRow, number: int, kind: str, name: str) -> Registration:
    return Registration(
        id=row.id, project=row.project, kind=Kind(kind), name=name, number=number, digest=row.digest,
        principal=row.principal, author=row.author, message=row.message, commit=row.commit, ci_run=row.ci_run,
        labels=row.labels, created_at=row.created_at,
    )  # fmt: skip
