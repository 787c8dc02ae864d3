"""Tables of the room inference."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_05_inference"
down_revision = "20261123_04_registry"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_calls",
        sa.Column("key", sa.String(71), nullable=False),
        sa.Column("model_digest", sa.String(71), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_model_calls")),
    )
    op.create_index(op.f("ix_model_calls_model_digest"), "model_calls", ["model_digest"])


def downgrade() -> None:
    op.drop_table("model_calls")
