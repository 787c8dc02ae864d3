"""Qualifications: what was found of judges, and of `grounding`, on labelled answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_11_qualifications"
down_revision = "20261125_10_origin"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "qualifications",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("instrument", sa.String(71), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("scorer", sa.String(128), nullable=False),
        sa.Column("model", sa.String(71), nullable=True),
        sa.Column("family", sa.String(128), nullable=True),
        sa.Column("labels", sa.String(71), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualifications")),
    )
    op.create_index("ix_qualifications_project_instrument", "qualifications", ["project", "instrument"])
    op.create_index("ix_qualifications_project_created_at_id", "qualifications", ["project", "created_at", "id"])


def downgrade() -> None:
    op.drop_table("qualifications")
