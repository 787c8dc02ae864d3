"""Overlap checks: how much of a dataset stands in a prompt and a corpus."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_26_overlaps"
down_revision = "20261125_24_decision_logs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "overlap_checks",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("dataset", sa.String(71), nullable=False),
        sa.Column("prompt", sa.String(71), nullable=False),
        sa.Column("corpus", sa.String(71), nullable=False),
        sa.Column("method", sa.String(71), nullable=False),
        sa.Column("cases", sa.BigInteger(), nullable=False),
        sa.Column("untold", sa.BigInteger(), nullable=False),
        sa.Column("in_prompt", sa.BigInteger(), nullable=False),
        sa.Column("in_corpus", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overlap_checks")),
    )
    op.create_index("ix_overlap_checks_project_prompt_corpus", "overlap_checks", ["project", "prompt", "corpus"])


def downgrade() -> None:
    op.drop_table("overlap_checks")
