"""Stage pointers and their moves in the database."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, and_, delete, func, select, update

from sekisho.kernel.database import Transaction, each
from sekisho.kernel.references import Kind
from sekisho.registry.rows import ArtifactRow, MoveRow, PointerRow, VersionRow
from sekisho.registry.types import Move, Pointer


class StageStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def one_or_none(self, artifact_id: str, stage: str) -> Pointer | None:
        rows = await self._pointers(PointerRow.artifact_id == artifact_id, PointerRow.stage == stage)
        return rows[0] if rows else None

    async def all(self, project: str, kind: Kind, name: str) -> list[Pointer]:
        """The pointers of one artifact, by stage."""
        return await self._pointers(
            ArtifactRow.project == project, ArtifactRow.kind == kind.value, ArtifactRow.name == name
        )

    async def serving(self, project: str, digests: Sequence[str]) -> list[Pointer]:
        """Every pointer of the project at one of these digests."""
        return await self._pointers(ArtifactRow.project == project, PointerRow.digest.in_(digests))

    async def moved_by(self, decision_ids: Collection[str]) -> list[Pointer]:
        """Every pointer of every project that one of these decisions moved last."""
        return await self._pointers(PointerRow.decision_id.in_(decision_ids))

    async def everywhere(self) -> list[Pointer]:
        """Every pointer of every project."""
        return await self._pointers()

    async def astray(self) -> list[tuple[str, str]]:
        """Artifact id and stage of every pointer that is not where the last move of its stage put it."""
        last = (
            select(MoveRow.artifact_id, MoveRow.stage, func.max(MoveRow.seq).label("seq"))
            .group_by(MoveRow.artifact_id, MoveRow.stage)
            .subquery()
        )
        query = (
            select(PointerRow.artifact_id, PointerRow.stage)
            .outerjoin(last, and_(last.c.artifact_id == PointerRow.artifact_id, last.c.stage == PointerRow.stage))
            .outerjoin(
                MoveRow,
                and_(
                    MoveRow.artifact_id == PointerRow.artifact_id,
                    MoveRow.stage == PointerRow.stage,
                    MoveRow.seq == last.c.seq,
                    MoveRow.seq == PointerRow.seq,
                    MoveRow.to_digest == PointerRow.digest,
                    MoveRow.decision_id == PointerRow.decision_id,
                ),
            )
            .where(MoveRow.seq.is_(None))
        )
        return [(artifact, stage) for artifact, stage in (await self._tx.execute(query)).all()]

    async def moves(self, artifact_id: str, limit: int, stage: str | None = None) -> list[Move]:
        """The last moves, newest first. Those of one stage go by their count, whatever the clock said meanwhile."""
        query = select(MoveRow).where(MoveRow.artifact_id == artifact_id).limit(limit)
        if stage is None:
            query = query.order_by(MoveRow.moved_at.desc(), MoveRow.seq.desc(), MoveRow.stage)
        else:
            query = query.where(MoveRow.stage == stage).order_by(MoveRow.seq.desc())
        return [
            Move(
                stage=row.stage, seq=row.seq, from_digest=row.from_digest, to_digest=row.to_digest,
                number=row.number, decision_id=row.decision_id, principal=row.principal, moved_at=row.moved_at,
            )
            for row in await self._tx.scalars(query)
        ]  # fmt: skip

    async def last_seq(self, artifact_id: str, stage: str) -> int:
        """The count of the stage's last move; 0 where it never moved. A stage that was emptied goes on counting."""
        query = select(func.max(MoveRow.seq)).where(MoveRow.artifact_id == artifact_id, MoveRow.stage == stage)
        return await self._tx.scalar(query) or 0

    async def each_pointer(self) -> AsyncIterator[dict[str, Any]]:
        """Every pointer of every project: its artifact with the project, and what it says."""
        same = and_(VersionRow.artifact_id == PointerRow.artifact_id, VersionRow.digest == PointerRow.digest)
        query = select(PointerRow, ArtifactRow, VersionRow.number).join(VersionRow, same)
        async for row, artifact, number in each(
            self._tx, query.join(ArtifactRow, ArtifactRow.id == PointerRow.artifact_id)
        ):
            yield {
                "artifact": f"{artifact.project}/{artifact.kind}/{artifact.name}", "stage": row.stage,
                "digest": row.digest, "number": number, "decision": row.decision_id, "seq": row.seq,
                "moved_at": row.moved_at,
            }  # fmt: skip

    async def each_move(self) -> AsyncIterator[dict[str, Any]]:
        """Every move of every project, likewise."""
        query = select(MoveRow, ArtifactRow).join(ArtifactRow, ArtifactRow.id == MoveRow.artifact_id)
        async for row, artifact in each(self._tx, query):
            yield {
                "artifact": f"{artifact.project}/{artifact.kind}/{artifact.name}", "stage": row.stage,
                "seq": row.seq, "digest": row.to_digest, "from": row.from_digest, "number": row.number,
                "decision": row.decision_id, "principal": row.principal, "moved_at": row.moved_at,
            }  # fmt: skip

    async def move(self, artifact_id: str, move: Move) -> bool:
        """Set the pointer to `move.to_digest` if it still names `move.from_digest`; False where it does not."""
        if move.from_digest is None:
            self._tx.add(
                PointerRow(
                    artifact_id=artifact_id, stage=move.stage, digest=move.to_digest, seq=move.seq,
                    decision_id=move.decision_id, moved_at=move.moved_at,
                )
            )  # fmt: skip
        else:
            done = await self._tx.execute(
                update(PointerRow)
                .where(
                    PointerRow.artifact_id == artifact_id,
                    PointerRow.stage == move.stage,
                    PointerRow.digest == move.from_digest,
                    PointerRow.seq == move.seq - 1,
                )
                .values(digest=move.to_digest, seq=move.seq, decision_id=move.decision_id, moved_at=move.moved_at)
            )
            if cast("CursorResult[Any]", done).rowcount != 1:
                return False
        self._tx.add(
            MoveRow(
                artifact_id=artifact_id, stage=move.stage, seq=move.seq, from_digest=move.from_digest,
                to_digest=move.to_digest, number=move.number, decision_id=move.decision_id,
                principal=move.principal, moved_at=move.moved_at,
            )
        )  # fmt: skip
        await self._tx.flush()
        return True

    async def empty(self, artifact_id: str, move: Move) -> bool:
        """Take the pointer away if it still names `move.from_digest`; False where it does not."""
        done = await self._tx.execute(
            delete(PointerRow).where(
                PointerRow.artifact_id == artifact_id,
                PointerRow.stage == move.stage,
                PointerRow.digest == move.from_digest,
                PointerRow.seq == move.seq - 1,
            )
        )
        if cast("CursorResult[Any]", done).rowcount != 1:
            return False
        self._tx.add(MoveRow(artifact_id=artifact_id, **dataclasses.asdict(move)))
        await self._tx.flush()
        return True

    async def _pointers(self, *conditions: Any) -> list[Pointer]:
        same = and_(VersionRow.artifact_id == PointerRow.artifact_id, VersionRow.digest == PointerRow.digest)
        query = (
            select(PointerRow, ArtifactRow, VersionRow.number)
            .join(ArtifactRow, ArtifactRow.id == PointerRow.artifact_id)
            .join(VersionRow, same)
            .where(*conditions)
            .order_by(ArtifactRow.kind, ArtifactRow.name, PointerRow.stage)
            .execution_options(populate_existing=True)
        )
        return [
            Pointer(
                project=artifact.project, kind=Kind(artifact.kind), name=artifact.name, stage=pointer.stage,
                digest=pointer.digest, number=number, decision_id=pointer.decision_id,
                moved_at=pointer.moved_at, seq=pointer.seq,
            )
            for pointer, artifact, number in (await self._tx.execute(query)).all()
        ]  # fmt: skip
