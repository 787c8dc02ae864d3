"""The registry's tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.kernel.database import Base, CanonicalJson


class ArtifactRow(Base):
    __tablename__ = "artifacts"
    __table_args__ = (
        UniqueConstraint("project", "kind", "name"),
        Index("ix_artifacts_project_created_at_id", "project", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]
    archived_at: Mapped[int | None]
    versions: Mapped[int]
    latest: Mapped[int]


class ArtifactLabelRow(Base):
    __tablename__ = "artifact_labels"
    __table_args__ = (Index("ix_artifact_labels_name_value", "name", "value"),)

    artifact_id: Mapped[str] = mapped_column(ForeignKey("artifacts.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


class VersionRow(Base):
    __tablename__ = "versions"
    __table_args__ = (
        UniqueConstraint("artifact_id", "number"),
        UniqueConstraint("artifact_id", "digest"),
        Index("ix_versions_project_digest", "project", "digest"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    artifact_id: Mapped[str] = mapped_column(ForeignKey("artifacts.id"))
    project: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(71))
    number: Mapped[int]
    manifest: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[int]
    archived_at: Mapped[int | None]
    revoked: Mapped[bool] = mapped_column(Boolean)


class RevocationRow(Base):
    __tablename__ = "revocations"
    __table_args__ = (UniqueConstraint("project", "digest"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(71))
    reason: Mapped[str] = mapped_column(Text)
    principal: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]


class RegistrationRow(Base):
    __tablename__ = "registrations"
    __table_args__ = (Index("ix_registrations_project_digest", "project", "digest", "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id"), index=True)
    project: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(71))
    principal: Mapped[str] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(String(200))
    message: Mapped[str] = mapped_column(Text)
    commit: Mapped[str] = mapped_column(String(200))
    ci_run: Mapped[str] = mapped_column(String(1000))
    labels: Mapped[Any] = mapped_column(CanonicalJson)
    created_at: Mapped[int]


class EdgeRow(Base):
    __tablename__ = "edges"
    __table_args__ = (Index("ix_edges_project_to_digest", "project", "to_digest"),)

    project: Mapped[str] = mapped_column(String(64), primary_key=True)
    from_digest: Mapped[str] = mapped_column(String(71), primary_key=True)
    role: Mapped[str] = mapped_column(String(32), primary_key=True)
    to_digest: Mapped[str] = mapped_column(String(71), primary_key=True)


class BlobRow(Base):
    __tablename__ = "blobs"

    project: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(String(71), primary_key=True)
    size: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[int]


class PointerRow(Base):
    __tablename__ = "stage_pointers"
    __table_args__ = (
        ForeignKeyConstraint(["artifact_id", "digest"], ["versions.artifact_id", "versions.digest"]),
        Index("ix_stage_pointers_digest", "digest"),
    )

    artifact_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    stage: Mapped[str] = mapped_column(String(31), primary_key=True)
    digest: Mapped[str] = mapped_column(String(71))
    decision_id: Mapped[str] = mapped_column(String(36))
    moved_at: Mapped[int]
    seq: Mapped[int]


class MoveRow(Base):
    __tablename__ = "stage_moves"

    artifact_id: Mapped[str] = mapped_column(ForeignKey("artifacts.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(31), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    from_digest: Mapped[str | None] = mapped_column(String(71))
    to_digest: Mapped[str | None] = mapped_column(String(71))
    number: Mapped[int | None]
    decision_id: Mapped[str] = mapped_column(String(36))
    principal: Mapped[str] = mapped_column(String(64))
    moved_at: Mapped[int]
