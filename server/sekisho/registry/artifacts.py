"""Artifacts in the database, with the labels of their last registration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update

from sekisho.kernel.database import Transaction
from sekisho.kernel.pages import Cursor
from sekisho.kernel.queries import oldest_first
from sekisho.kernel.references import Kind
from sekisho.registry.rows import ArtifactLabelRow, ArtifactRow
from sekisho.registry.types import Artifact


@dataclass(frozen=True, slots=True)
class ArtifactFilter:
    """What `page` of artifacts keeps; None keeps all. `label` is a name and a value, or None for any value."""

    kind: Kind | None = None
    name_contains: str | None = None
    archived: bool | None = None
    label: tuple[str, str | None] | None = None


class ArtifactStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def one_or_none(self, project: str, kind: Kind, name: str) -> Artifact | None:
        query = (
            select(ArtifactRow, ArtifactLabelRow.name, ArtifactLabelRow.value)
            .outerjoin(ArtifactLabelRow, ArtifactLabelRow.artifact_id == ArtifactRow.id)
            .where(ArtifactRow.project == project, ArtifactRow.kind == kind.value, ArtifactRow.name == name)
            .order_by(ArtifactLabelRow.name)
        )
        found = (await self._tx.execute(query.execution_options(populate_existing=True))).all()
        labels = {label: value for _, label, value in found if label is not None}
        return _artifact(found[0][0], labels) if found else None

    async def insert(self, artifact: Artifact) -> None:
        self._tx.add(
            ArtifactRow(
                id=artifact.id, project=artifact.project, kind=artifact.kind.value, name=artifact.name,
                created_at=artifact.created_at, archived_at=None, versions=0, latest=0,
            )
        )  # fmt: skip
        await self._tx.flush()

    async def count(self, artifact_id: str, *, versions: int, latest: int) -> None:
        await self._tx.execute(
            update(ArtifactRow).where(ArtifactRow.id == artifact_id).values(versions=versions, latest=latest)
        )

    async def label(self, artifact_id: str, labels: Mapping[str, str]) -> None:
        await self._tx.execute(delete(ArtifactLabelRow).where(ArtifactLabelRow.artifact_id == artifact_id))
        self._tx.add_all(
            ArtifactLabelRow(artifact_id=artifact_id, name=name, value=value) for name, value in labels.items()
        )
        await self._tx.flush()

    async def archive(self, artifact_id: str, archived_at: int | None) -> bool:
        """Whether that changed anything: what is archived keeps its time."""
        there = ArtifactRow.archived_at.is_not(None)
        done = await self._tx.execute(
            update(ArtifactRow)
            .where(ArtifactRow.id == artifact_id, ~there if archived_at is not None else there)
            .values(archived_at=archived_at)
        )
        return cast("CursorResult[Any]", done).rowcount == 1

    async def page(self, project: str, wanted: ArtifactFilter, after: Cursor | None, limit: int) -> list[Artifact]:
        query = oldest_first(
            select(ArtifactRow).where(ArtifactRow.project == project),
            ArtifactRow.created_at, ArtifactRow.id, after,
        )  # fmt: skip
        if wanted.kind is not None:
            query = query.where(ArtifactRow.kind == wanted.kind.value)
        if wanted.name_contains:
            query = query.where(ArtifactRow.name.contains(wanted.name_contains, autoescape=True))
        if wanted.archived is not None:
            there = ArtifactRow.archived_at.is_not(None)
            query = query.where(there if wanted.archived else ~there)
        if wanted.label is not None:
            name, value = wanted.label
            labelled = select(ArtifactLabelRow.artifact_id).where(ArtifactLabelRow.name == name)
            if value is not None:
                labelled = labelled.where(ArtifactLabelRow.value == value)
            query = query.where(ArtifactRow.id.in_(labelled))
        rows = (await self._tx.scalars(query.limit(limit))).all()
        labels = await self._labels([row.id for row in rows])
        return [_artifact(row, labels.get(row.id, {})) for row in rows]

    async def _labels(self, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        query = select(ArtifactLabelRow).where(ArtifactLabelRow.artifact_id.in_(ids))
        for row in await self._tx.scalars(query.order_by(ArtifactLabelRow.name)):
            found.setdefault(row.artifact_id, {})[row.name] = row.value
        return found


def _artifact(row: ArtifactRow, labels: Mapping[str, str]) -> Artifact:
    return Artifact(
        id=row.id, project=row.project, kind=Kind(row.kind), name=row.name, created_at=row.created_at,
        archived=row.archived_at is not None, versions=row.versions, latest=row.latest, labels=labels,
    )  # fmt: skip
