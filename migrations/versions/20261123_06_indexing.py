"""Tables of the room indexing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_06_indexing"
down_revision = "20261123_05_inference"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "index_builds",
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("corpus", sa.String(71), nullable=False),
        sa.Column("embedder_digest", sa.String(71), nullable=False),
        sa.Column("chunks_root", sa.String(71), nullable=False),
        sa.Column("chunks", sa.BigInteger(), nullable=False),
        sa.Column("vectors_root", sa.String(71), nullable=False),
        sa.Column("built_at", sa.BigInteger(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("integrity", sa.String(16), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("drift", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("project", "digest", name=op.f("pk_index_builds")),
    )
    op.create_index("ix_index_builds_chunks_root_embedder_digest", "index_builds", ["chunks_root", "embedder_digest"])
    op.create_index("ix_index_builds_project_built_at", "index_builds", ["project", "built_at"])
    op.create_index("ix_index_builds_digest", "index_builds", ["digest"])
    op.create_table(
        "index_chunks",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("chunk_id", sa.String(32), nullable=False),
        sa.Column("chunk_hash", sa.String(71), nullable=False),
        sa.Column("vector_hash", sa.String(71), nullable=False),
        sa.PrimaryKeyConstraint("digest", "ordinal", name=op.f("pk_index_chunks")),
    )


def downgrade() -> None:
    op.drop_table("index_chunks")
    op.drop_table("index_builds")
