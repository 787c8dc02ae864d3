"""Tables of the room registry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_04_registry"
down_revision = "20261123_03_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("versions", sa.BigInteger(), nullable=False),
        sa.Column("latest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
        sa.UniqueConstraint("project", "kind", "name", name=op.f("uq_artifacts_project_kind_name")),
    )
    op.create_index("ix_artifacts_project_created_at_id", "artifacts", ["project", "created_at", "id"])
    op.create_table(
        "artifact_labels",
        sa.Column("artifact_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"], ["artifacts.id"], name=op.f("fk_artifact_labels_artifact_id_artifacts")
        ),
        sa.PrimaryKeyConstraint("artifact_id", "name", name=op.f("pk_artifact_labels")),
    )
    op.create_index("ix_artifact_labels_name_value", "artifact_labels", ["name", "value"])
    op.create_table(
        "versions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("artifact_id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name=op.f("fk_versions_artifact_id_artifacts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versions")),
        sa.UniqueConstraint("artifact_id", "number", name=op.f("uq_versions_artifact_id_number")),
        sa.UniqueConstraint("artifact_id", "digest", name=op.f("uq_versions_artifact_id_digest")),
    )
    op.create_index("ix_versions_project_digest", "versions", ["project", "digest"])
    op.create_table(
        "registrations",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("version_id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("commit", sa.String(200), nullable=False),
        sa.Column("ci_run", sa.String(1000), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_registrations_version_id_versions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
    )
    op.create_index("ix_registrations_version_id", "registrations", ["version_id"])
    op.create_index("ix_registrations_project_digest", "registrations", ["project", "digest", "created_at", "id"])
    op.create_table(
        "edges",
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("from_digest", sa.String(71), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("to_digest", sa.String(71), nullable=False),
        sa.PrimaryKeyConstraint("project", "from_digest", "role", "to_digest", name=op.f("pk_edges")),
    )
    op.create_index("ix_edges_project_to_digest", "edges", ["project", "to_digest"])
    op.create_table(
        "blobs",
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "digest", name=op.f("pk_blobs")),
    )
    op.create_table(
        "stage_pointers",
        sa.Column("artifact_id", sa.String(36), nullable=False),
        sa.Column("stage", sa.String(31), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("decision_id", sa.String(36), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id", "digest"],
            ["versions.artifact_id", "versions.digest"],
            name=op.f("fk_stage_pointers_artifact_id_digest_versions"),
        ),
        sa.PrimaryKeyConstraint("artifact_id", "stage", name=op.f("pk_stage_pointers")),
    )
    op.create_index("ix_stage_pointers_digest", "stage_pointers", ["digest"])
    op.create_table(
        "stage_moves",
        sa.Column("artifact_id", sa.String(36), nullable=False),
        sa.Column("stage", sa.String(31), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("from_digest", sa.String(71), nullable=True),
        sa.Column("to_digest", sa.String(71), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.String(36), nullable=False),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["artifact_id"], ["artifacts.id"], name=op.f("fk_stage_moves_artifact_id_artifacts")),
        sa.PrimaryKeyConstraint("artifact_id", "stage", "seq", name=op.f("pk_stage_moves")),
    )


def downgrade() -> None:
    for table in (
        "stage_moves",
        "stage_pointers",
        "blobs",
        "edges",
        "registrations",
        "versions",
        "artifact_labels",
        "artifacts",
    ):
        op.drop_table(table)
